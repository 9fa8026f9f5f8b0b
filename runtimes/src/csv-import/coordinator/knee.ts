/**
 * How many workers the server has room for, found while they work.
 *
 * Each worker finds for itself which share of its time it may work (worker/pace.ts). Where the shares of
 * all come to clearly less than their number, for a while, fewer workers would do the same work: the sum
 * is the knee. Once those that stay work all the time again, one more is tried every minute, since others
 * may have left the server.
 */
import type { Crew } from '../../chunks/crew.ts';

/** Shares that come to less than this part of the workers are too many workers. */
const tightShare = 0.7;
/** … and to more than this part are not. */
const easyShare = 0.95;
/** Longer than a checkpoint takes to disturb everybody. */
const tightForMs = 15_000;
const easyForMs = 60_000;

export class Knee {
  #most: number | undefined;
  #tightSinceMs: number | undefined;
  #easySinceMs: number | undefined;

  get most(): number | undefined {
    return this.#most;
  }

  see({ workers, shares }: Pick<Crew, 'workers' | 'shares'>, nowMs: number): void {
    const isTight = workers > 1 && shares < tightShare * workers;
    this.#tightSinceMs = isTight ? (this.#tightSinceMs ?? nowMs) : undefined;
    if (this.#tightSinceMs !== undefined && nowMs - this.#tightSinceMs >= tightForMs) {
      this.#most = Math.max(1, Math.min(this.#most ?? Infinity, Math.ceil(shares)));
      this.#tightSinceMs = undefined;
    }
    this.#tryMore(workers > 0 && shares >= easyShare * workers, nowMs);
  }

  #tryMore(isEasy: boolean, nowMs: number): void {
    this.#easySinceMs = isEasy ? (this.#easySinceMs ?? nowMs) : undefined;
    if (this.#easySinceMs === undefined || nowMs - this.#easySinceMs < easyForMs) return;
    if (this.#most !== undefined) this.#most += 1;
    this.#easySinceMs = undefined;
  }
}
