/**
 * One import under fire: play runs it while kills are dealt, each after the last, from the first cut
 * to the verdict; then everything is compared. A round that takes too long is ended and has failed.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { endProcess } from '../../backends/process-identity.ts';
import type { Blow } from './blows.ts';
import type { Deck } from './deck.ts';
import { writeManifest, type Variant } from './manifest.ts';
import type { Moment } from './moments.ts';
import { PlayProcess, type PlayResult } from './play-process.ts';
import { podProcesses } from '../pods.ts';
import type { Random } from '../../load/random.ts';
import { Reader, type Reading } from './reader.ts';
import type { Scene } from './scene.ts';
import { strike, type Strike } from './strike.ts';
import { problems } from './verdict.ts';

export interface RoundOptions {
  readonly scene: Scene;
  readonly name: string;
  readonly variant: Variant;
  /** Absent for an undisturbed import. */
  readonly attack?: { readonly deck: Deck; readonly random: Random; readonly reference: string };
}

/** A strike of which is known how it went. */
export interface Result extends Strike {
  readonly isHit: boolean;
  readonly detail: string;
}

export interface RoundResult {
  readonly name: string;
  readonly isReference: boolean;
  readonly variant: Variant;
  readonly strikes: readonly Result[];
  readonly reading: Reading;
  /** Moments that never came. */
  readonly missed: readonly Moment[];
  readonly seconds: number;
  readonly problems: readonly string[];
}

/** Play that is away, as a node that restarts. */
const awayMaxMs = 3_000;
const extraMax = 6;

export async function runRound(options: RoundOptions): Promise<RoundResult> {
  const { scene, name, variant, attack } = options;
  const startedMs = performance.now();
  const play = new PlayProcess({
    manifest: await writeManifest(scene, name, variant),
    program: await scene.program(variant),
    dataDir: scene.dataDir,
    stateDir: scene.stateDir,
    logFile: join(scene.folder, `${name}.log`),
    env: scene.env,
  });
  const stop = new AbortController();
  const signal = AbortSignal.any([scene.signal, stop.signal]);
  const timer = setTimeout(() => stop.abort(), scene.options.roundSeconds * 1_000);
  const assault = new Assault({ ...options, play, startedMs, signal });
  const reader = new Reader(scene, name);
  const reading = reader.run(signal);
  const assaulting = attack === undefined ? Promise.resolve() : assault.run();
  try {
    const result = await Promise.race([play.ended(), aborted(signal)]);
    stop.abort();
    await Promise.all([assaulting, reading]);
    const found = result === undefined ? [unfinished(scene)] : await judged(options, result);
    const seconds = (performance.now() - startedMs) / 1_000;
    const strikes = await provedStrikes(scene, name, assault.strikes);
    const hits = strikes.filter(({ isHit }) => isHit).length;
    const isTooTame = attack?.deck.isEmpty === false && hits < scene.options.kills;
    const tame = isTooTame ? [`only ${String(hits)} strikes hit work`] : [];
    return {
      name,
      isReference: attack === undefined,
      variant,
      strikes,
      reading: reader.reading,
      missed: assault.missed,
      seconds,
      problems: [...found, ...reader.reading.problems, ...tame],
    };
  } finally {
    clearTimeout(timer);
    stop.abort();
    await Promise.allSettled([assaulting, reading]);
    await play.stop(20_000);
    for (const pod of podProcesses(scene.stateDir, name)) await endProcess(pod, ['SIGTERM'], 5_000);
  }
}

function unfinished({ signal, options }: Scene): string {
  return signal.aborted ? 'interrupted' : `not over after ${String(options.roundSeconds)} s`;
}

async function judged(options: RoundOptions, result: PlayResult): Promise<string[]> {
  const { scene, name, variant, attack } = options;
  const reference = attack === undefined ? {} : { reference: attack.reference };
  return problems({ scene, name, variant, result, ...reference }).catch((error: unknown) => [
    `could not be judged: ${error instanceof Error ? error.message : String(error)}`,
  ]);
}

async function aborted(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return undefined;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  return undefined;
}

/** A commit without acknowledgement is proved by the delivery that found the chunk done. */
async function provedStrikes(
  scene: Scene,
  name: string,
  strikes: readonly Strike[],
): Promise<Result[]> {
  const rows = await scene.observer
    .rows<{ chunk: number }>(
      `SELECT a.chunk FROM millrace.attempts a JOIN millrace.imports i ON i.uid = a.import
       WHERE i.name = $1 AND a.outcome = 'Done'`,
      [name],
    )
    .catch(() => []);
  const again = new Set(rows.map(({ chunk }) => chunk));
  return strikes.map((one) => ({
    ...one,
    ...(one.blow?.result() ?? { isHit: true, detail: '' }),
    ...(one.chunk === undefined ? {} : { isHit: again.has(one.chunk) }),
  }));
}

interface AssaultOptions extends RoundOptions {
  readonly play: PlayProcess;
  readonly startedMs: number;
  readonly signal: AbortSignal;
}

class Assault {
  readonly strikes: Strike[] = [];
  readonly missed: Moment[] = [];
  readonly #options: AssaultOptions;
  #repairs: Promise<void> = Promise.resolve();
  /** What takes minutes; the strikes of the round go on meanwhile. */
  #lasting: Promise<void> = Promise.resolve();
  #isPlayDead = false;

  constructor(options: AssaultOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const { attack, scene, variant } = this.#options;
    if (attack === undefined) return;
    const { deck, random } = attack;
    const thresholds = [random.between(0.05, 0.4), random.between(0.4, 0.75)];
    await this.#strike(deck.deal('start', variant), 0);
    for (const threshold of thresholds) await this.#strike(deck.deal('work', variant), threshold);
    // Some moments are missed; before the end there must be enough that were not.
    for (let extra = 0; extra < extraMax && this.strikes.length < scene.options.kills; extra += 1) {
      await this.#strike(deck.deal('work', variant), 0);
    }
    await this.#strike(deck.deal('end', variant), 0);
    await Promise.all([this.#repairs, this.#lasting]);
  }

  async #strike(moment: Moment | undefined, threshold: number): Promise<void> {
    const { attack, scene, name, variant, play, startedMs, signal } = this.#options;
    if (moment === undefined || attack === undefined || signal.aborted) return;
    const { random } = attack;
    // Every other time the next victim dies while the last is still away; a stream is soon loaded.
    const canWait = random.next() < 0.5 && variant.source !== 'Gzip';
    if (canWait || moment.target === 'play') await this.#repairs;
    const struck = await strike({
      scene,
      importName: name,
      variant,
      play,
      moment,
      threshold,
      random,
      startedMs,
      isOver: () => signal.aborted || (!play.isRunning && !this.#isPlayDead),
      repair: (hit, blow) => this.#repair(hit, { blow, awayMs: random.below(awayMaxMs) }),
    });
    if (struck === undefined) this.missed.push(moment);
    else this.strikes.push(struck);
    if (moment.target === 'play') await this.#repairs;
  }

  /** One after the other, but for play, whose state waits for nobody. */
  #repair(
    { target, how }: Moment,
    { blow, awayMs }: { readonly blow: Blow | undefined; readonly awayMs: number },
  ): void {
    const before = this.#repairs;
    if (target === 'play') {
      this.#isPlayDead = true;
      this.#repairs = (async () => {
        await delay(awayMs);
        await this.#options.play.startAgain();
        this.#isPlayDead = false;
        await before;
      })();
    } else if (how === 'FreezeForGood') {
      this.#lasting = Promise.all([this.#lasting, blow?.end()]).then(() => undefined);
      this.#lasting.catch(() => undefined);
    } else if (blow !== undefined) {
      // What lasts begins now, whatever else is still to be repaired.
      const ended = blow.end();
      this.#repairs = Promise.all([before, ended]).then(() => undefined);
    }
    this.#repairs.catch(() => undefined);
  }
}
