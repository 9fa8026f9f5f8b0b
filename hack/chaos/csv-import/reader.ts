/**
 * A client that reads rows through the gateway while everything else is struck.
 *
 * An outage is a 503 or a lost connection; anything else that is not a row or its absence is a mistake.
 * Rows move while they are loaded, so their values are judged only once the ledger says Complete: from
 * then on the gateway must give what the table holds, from cache or not, until play has ended it.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { statePaths } from '../../play/state/paths.ts';
import type { Scene } from './scene.ts';

const everyMs = 10;
const lookEveryMs = 250;
const requestMs = 5_000;
const addressEveryMs = 1_000;
/** Keys that nearly every chunk writes; see input.ts. */
const keys = 40;
const fine: ReadonlySet<number> = new Set([200, 404, 503]);

export interface Reading {
  readonly answers: Readonly<Record<string, number>>;
  /** Rows that were read after Complete and compared. */
  readonly compared: number;
  readonly problems: readonly string[];
}

export class Reader {
  readonly #scene: Scene;
  readonly #name: string;
  readonly #answers: Record<string, number> = {};
  readonly #problems = new Set<string>();
  #compared = 0;
  #final: ReadonlyMap<number, number> | undefined;

  constructor(scene: Scene, name: string) {
    this.#scene = scene;
    this.#name = name;
  }

  get reading(): Reading {
    return {
      answers: { ...this.#answers },
      compared: this.#compared,
      problems: [...this.#problems].slice(0, 5),
    };
  }

  async run(signal: AbortSignal): Promise<void> {
    const looking = this.#watch(signal);
    let url: string | undefined;
    let askedMs = -Infinity;
    for (let at = 0; !signal.aborted; at += 1) {
      if (performance.now() - askedMs > addressEveryMs) {
        askedMs = performance.now();
        url = (await this.#address()) ?? url;
      }
      if (url !== undefined) await this.#read(url, at % keys);
      await delay(everyMs);
    }
    await looking;
  }

  async #read(url: string, key: number): Promise<void> {
    const final = this.#final;
    const timeout = AbortSignal.timeout(requestMs);
    const answer = await fetch(`${url}/${this.#name}/${String(key)}`, { signal: timeout })
      .then(async (response) => ({ status: response.status, body: await response.text() }))
      .catch(() => undefined);
    const what = answer === undefined ? 'lost' : String(answer.status);
    this.#answers[what] = (this.#answers[what] ?? 0) + 1;
    if (answer === undefined) return;
    if (!fine.has(answer.status)) this.#problems.add(`the gateway answered ${what}`);
    if (final !== undefined) this.#compare(key, final, answer);
  }

  #compare(
    key: number,
    final: ReadonlyMap<number, number>,
    { status, body }: { readonly status: number; readonly body: string },
  ): void {
    if (status !== 200 && status !== 404) return;
    const row = (JSON.parse(body) as { data?: { serial?: number | string } }).data;
    const serial = row?.serial === undefined ? undefined : Number(row.serial);
    this.#compared += 1;
    if (serial !== final.get(key)) {
      this.#problems.add(
        `the gateway gave record ${String(serial)} of key ${String(key)} after Complete, not ${String(final.get(key))}`,
      );
    }
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { observer } = this.#scene;
    while (!signal.aborted && this.#final === undefined) {
      const seen = await observer.look(this.#name);
      if (seen?.state === 'Complete') this.#final = await this.#rows().catch(() => undefined);
      else await delay(lookEveryMs);
    }
  }

  async #rows(): Promise<ReadonlyMap<number, number>> {
    const rows = await this.#scene.observer.rows<{ id: string; serial: string }>(
      `SELECT id, serial FROM "${this.#name}" WHERE id < $1`,
      [keys],
    );
    return new Map(rows.map(({ id, serial }) => [Number(id), Number(serial)]));
  }

  /** Where play serves it, by what play has written down. */
  async #address(): Promise<string | undefined> {
    const text = await readFile(statePaths(this.#scene.stateDir).objects, 'utf8').catch(() => '{}');
    const { servicePorts = {} } = readable(text);
    const key = Object.keys(servicePorts).find((one) => one.startsWith(`default/${this.#name}-`));
    return key === undefined ? undefined : `http://127.0.0.1:${String(servicePorts[key])}`;
  }
}

function readable(text: string): { servicePorts?: Readonly<Record<string, number>> } {
  try {
    return JSON.parse(text) as { servicePorts?: Readonly<Record<string, number>> };
  } catch {
    return {};
  }
}
