/**
 * How fast a worker goes: less than it could when commits say that the server has too much to do.
 *
 * A commit is waited for by the worker and paid for by the server's log, so it is the first to become
 * slow when more is written than the disk takes. Where it takes several times as long as it has been
 * seen to, the worker works a smaller share of its time (less by a third each time, as senders on a
 * network do) and takes back a little with every commit that is quick again. Pauses come after the
 * commit and before the acknowledgement, so that no other chunk waits in this worker's hands, and are
 * bounded: work goes on, however bad it is. A refusal for want of a connection counts as well.
 *
 * What is usual is the least of the past, and creeps up, so that a disk that is simply slow is not taken
 * for a busy one for ever. Every worker finds its share alone; their sum tells the coordinator how many
 * workers the server has room for.
 */
import type { WorkerReport } from '../../chunks/crew.ts';

/** Below this a commit is quick, whatever is usual: no disk can be felt to be busy by less. */
const quickMs = 100;
/** Of the usual: a burst of others' work doubles it and is gone; four times is a queue. */
const slowFactor = 4;
/** What is usual doubles in seventy chunks, so that an hour of a slow disk is enough to believe it. */
const creep = 1.01;
/** One slow commit, at a checkpoint perhaps, says little. */
const smoothing = 0.4;
const decrease = 0.67;
const increase = 0.05;
const shareMin = 0.1;
const pauseMaxMs = 10_000;
/** How often a report is worth writing. */
const reportEveryMs = 1_000;

export interface Loaded {
  readonly chunkMs: number;
  readonly commitMs: number;
}

export class Pace {
  #share = 1;
  #smoothMs: number | undefined;
  #usualMs = Infinity;
  #chunkMs = 0;
  #pauseMs = 0;
  #reportedMs = -Infinity;

  get share(): number {
    return this.#share;
  }

  /** How long to leave the server alone after the last chunk. */
  get pauseMs(): number {
    return this.#pauseMs;
  }

  /** After each commit. */
  loaded({ chunkMs, commitMs }: Loaded): void {
    const before = this.#smoothMs ?? commitMs;
    const smoothMs = before + smoothing * (commitMs - before);
    this.#smoothMs = smoothMs;
    this.#chunkMs = chunkMs;
    this.#usualMs = Math.min(smoothMs, this.#usualMs * creep);
    if (smoothMs > Math.max(quickMs, slowFactor * this.#usualMs)) this.#slower();
    else this.#share = Math.min(1, this.#share + increase);
    this.#pauseMs = Math.min(pauseMaxMs, chunkMs * (1 / this.#share - 1));
  }

  /** The server had no connection for us; the wait for one is the caller's. */
  refused(): void {
    this.#slower();
  }

  /** What to tell the coordinator; undefined when it has been told a moment ago, or there is nothing. */
  report(nowMs: number): WorkerReport | undefined {
    if (this.#smoothMs === undefined || nowMs - this.#reportedMs < reportEveryMs) return undefined;
    this.#reportedMs = nowMs;
    return {
      chunkMs: this.#chunkMs,
      commitMs: this.#smoothMs,
      usualMs: this.#usualMs,
      share: this.#share,
    };
  }

  #slower(): void {
    this.#share = Math.max(shareMin, this.#share * decrease);
  }
}
