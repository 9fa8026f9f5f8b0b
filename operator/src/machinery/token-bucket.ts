/**
 * A rate with room for bursts: each act takes a token, and tokens come back at a steady pace.
 *
 * Retries wait for theirs. Back-off bounds how often one key comes back; it does not bound five
 * thousand of them, which all fail at once when the API server does, and would come back together
 * within the first second. What may be left out, such as events for people, takes one or is dropped.
 */
import type { Clock } from '@millrace/kit/clock';

export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** A server that comes back gets ten retries a second: five thousand keys are seen within nine minutes. */
export const retryRate: Rate = { perSecond: 10, burst: 100 };

export class TokenBucket {
  #clock: Pick<Clock, 'monotonic'>;
  #rate: Rate;
  /** Below zero: promised to those that wait. */
  #tokens: number;
  #countedAt: number;

  constructor(clock: Pick<Clock, 'monotonic'>, rate: Rate) {
    this.#clock = clock;
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#countedAt = clock.monotonic();
  }

  /** Takes a token; how long until it is there. */
  takeMs(): number {
    this.#refill();
    this.#tokens--;
    return Math.max(0, (-this.#tokens / this.#rate.perSecond) * 1_000);
  }

  /** Takes a token if there is one. */
  tryTake(): boolean {
    this.#refill();
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  #refill(): void {
    const now = this.#clock.monotonic();
    const come = ((now - this.#countedAt) / 1_000) * this.#rate.perSecond;
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + come);
    this.#countedAt = now;
  }
}
