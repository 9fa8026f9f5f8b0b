/**
 * What the sums of a pipeline must be after a load, and whether they are: for each key, what was
 * accepted, and at most what nobody knows of on top.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'pg';
import { sqlIdentifier } from '@millrace/runtimes/connectors/postgres/identifier';
import { keyAt, valueAt, type KeySet } from './keys.ts';
import type { LoadCounts } from './load-counts.ts';

export interface Verdict {
  /** Increments. */
  readonly accepted: number;
  readonly unknown: number;
  readonly keys: number;
  /** Keys whose sum is less than what was accepted, or more than what could have been. */
  readonly wrong: number;
  /** From the end of the load until all that was accepted was in the table. */
  readonly drainSeconds: number;
}

interface Sums {
  least: number;
  most: number;
}

/** A backlog of millions on shared cores; a pipeline that stands still is told apart by then. */
const drainPatienceMs = 180_000;
const pollMs = 100;

export class Account {
  readonly #expected = new Map<string, Sums>();
  #accepted = 0;
  #unknown = 0;

  get accepted(): number {
    return this.#accepted;
  }

  add(keys: KeySet, { accepted, unknown }: LoadCounts): void {
    for (const [index, times] of accepted.entries()) {
      const doubted = unknown[index] ?? 0;
      if (times + doubted > 0) this.addKey(keyAt(keys, index), valueAt(index), { times, doubted });
    }
  }

  addKey(
    key: string,
    value: number,
    { times, doubted }: { readonly times: number; readonly doubted: number },
  ): void {
    const sums = this.#expected.get(key) ?? { least: 0, most: 0 };
    sums.least += times * value;
    sums.most += (times + doubted) * value;
    this.#expected.set(key, sums);
    this.#accepted += times;
    this.#unknown += doubted;
  }

  /** Waits until the table holds as much as was accepted, then compares key by key. */
  async verdict(owner: Pool, table: string): Promise<Verdict> {
    const startMs = performance.now();
    const name = sqlIdentifier(table);
    let least = 0n;
    for (const sums of this.#expected.values()) least += BigInt(sums.least);
    while (performance.now() - startMs < drainPatienceMs) {
      const { rows } = await owner.query<{ sum: string | null }>(
        `SELECT sum(value)::text FROM ${name}`,
      );
      if (BigInt(rows[0]?.sum ?? '0') >= least) break;
      await delay(pollMs);
    }
    const drainSeconds = (performance.now() - startMs) / 1_000;
    return {
      accepted: this.#accepted,
      unknown: this.#unknown,
      keys: this.#expected.size,
      wrong: await this.#wrong(owner, name),
      drainSeconds,
    };
  }

  async #wrong(owner: Pool, name: string): Promise<number> {
    const { rows } = await owner.query<{ key: string; value: string }>(
      `SELECT key, value::text FROM ${name}`,
    );
    const stored = new Map(rows.map(({ key, value }) => [key, Number(value)]));
    let wrong = rows.filter(({ key }) => !this.#expected.has(key)).length;
    for (const [key, { least, most }] of this.#expected) {
      const value = stored.get(key) ?? 0;
      if (value < least || value > most) wrong += 1;
    }
    return wrong;
  }
}
