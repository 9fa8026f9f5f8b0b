/**
 * Staleness over a run, sampled from outside, and when it is excused: while Postgres takes no writes or
 * Redis cannot be read nothing can be committed, and for a moment afterwards what has waited is old;
 * the moment begins anew if workers are struck in it. Without an outage there is no excuse.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Observer, Sight } from './observer.ts';

export interface Sample {
  readonly atSeconds: number;
  readonly stalenessMs: number;
  readonly isExcused: boolean;
}

export interface ExcuseWindow {
  readonly fromSeconds: number;
  readonly toSeconds: number;
  readonly why: 'postgres' | 'redis' | 'postgres and redis';
}

export interface JudgedWindow extends ExcuseWindow {
  /** From its end until sums were fresh again; undefined where the next outage came first. */
  readonly freshAfterSeconds: number | undefined;
}

export interface StalenessFigures {
  readonly samples: number;
  readonly excused: number;
  /** Of the samples that are not excused. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly worst: Pick<Sample, 'atSeconds' | 'stalenessMs'>;
  readonly windows: readonly JudgedWindow[];
}

/** Links are back within seconds; and what half a minute has left behind is committed in this time. */
const catchUpSeconds = 10;
/** Of an outage: what came in during a long one takes longer. */
const catchUpShare = 1 / 4;
const freshMs = 3_000;
const sampleEveryMs = 250;

export class StalenessWatch {
  readonly #observer: Observer;
  readonly #startedMs: number;
  readonly #samples: Sample[] = [];
  readonly #windows: { fromSeconds: number; toSeconds: number; why: ExcuseWindow['why'] }[] = [];
  #latest: Sight | undefined;
  #excusedUntil = 0;

  constructor(observer: Observer, startedMs: number) {
    this.#observer = observer;
    this.#startedMs = startedMs;
  }

  get latest(): Sight | undefined {
    return this.#latest;
  }

  get figures(): StalenessFigures {
    return figuresOf(this.#samples, this.#windows);
  }

  /** Whoever is struck while catching up has to begin again; at other times it is no excuse. */
  workersStruck(): void {
    const now = this.#seconds();
    if (now < this.#excusedUntil) this.#excusedUntil = now + catchUpSeconds;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#sample();
      await delay(sampleEveryMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #sample(): Promise<void> {
    const began = this.#seconds();
    const [isWritable, isRedisUp] = await Promise.all([
      this.#observer.isWritable(),
      this.#observer.isRedisUp(),
    ]);
    if (!isWritable || !isRedisUp) this.#excuse(began, { isWritable, isRedisUp });
    const sight = isWritable && isRedisUp ? await this.#observer.look() : undefined;
    this.#latest = sight;
    if (sight === undefined) return;
    const isExcused = began < this.#excusedUntil;
    this.#samples.push({ atSeconds: began, stalenessMs: sight.stalenessMs, isExcused });
  }

  #excuse(
    began: number,
    { isWritable, isRedisUp }: { readonly isWritable: boolean; readonly isRedisUp: boolean },
  ): void {
    const why = isWritable ? 'redis' : isRedisUp ? 'postgres' : 'postgres and redis';
    const last = this.#windows.at(-1);
    const now = this.#seconds();
    const isSame = last?.why === why && began - last.toSeconds < 2;
    if (isSame) last.toSeconds = now;
    else this.#windows.push({ fromSeconds: began, toSeconds: now, why });
    const lengthSeconds = now - (isSame ? last.fromSeconds : began);
    this.#excusedUntil = now + Math.max(catchUpSeconds, lengthSeconds * catchUpShare);
  }

  #seconds(): number {
    return (performance.now() - this.#startedMs) / 1_000;
  }
}

export function figuresOf(
  samples: readonly Sample[],
  windows: readonly ExcuseWindow[],
): StalenessFigures {
  const judged = samples.filter(({ isExcused }) => !isExcused);
  const sorted = judged.toSorted((left, right) => left.stalenessMs - right.stalenessMs);
  const at = (share: number): number =>
    sorted[Math.floor((sorted.length - 1) * share)]?.stalenessMs ?? 0;
  return {
    samples: samples.length,
    excused: samples.length - judged.length,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    worst: sorted.at(-1) ?? { atSeconds: 0, stalenessMs: 0 },
    windows: windows.map((window, index) => {
      const untilSeconds = windows[index + 1]?.fromSeconds ?? Number.POSITIVE_INFINITY;
      return { ...window, freshAfterSeconds: freshAfter(window, untilSeconds, samples) };
    }),
  };
}

function freshAfter(
  { toSeconds }: ExcuseWindow,
  untilSeconds: number,
  samples: readonly Sample[],
): number | undefined {
  const fresh = samples.find(
    ({ atSeconds, stalenessMs }) =>
      atSeconds >= toSeconds && atSeconds < untilSeconds && stalenessMs < freshMs,
  );
  return fresh === undefined ? undefined : fresh.atSeconds - toSeconds;
}
