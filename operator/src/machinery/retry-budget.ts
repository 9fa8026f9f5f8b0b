/**
 * One bound for all retries: a bucket of tokens that every failed pass takes one from.
 *
 * Back-off bounds how often one key comes back; it does not bound five thousand of them, which all
 * fail at once when the API server does, and would come back together within the first second. The
 * bucket lets a burst through, so that ordinary conflicts never notice it, and spreads the rest.
 */
import type { Clock } from '@millrace/kit/clock';

export interface RetryRate {
  readonly perSecond: number;
  readonly burst: number;
}

/** A server that comes back gets ten retries a second: five thousand keys are seen within nine minutes. */
export const defaultRetryRate: RetryRate = { perSecond: 10, burst: 100 };

export class RetryBudget {
  #clock: Pick<Clock, 'monotonic'>;
  #rate: RetryRate;
  /** Below zero: promised to those that wait. */
  #tokens: number;
  #countedAt: number;

  constructor(clock: Pick<Clock, 'monotonic'>, rate: RetryRate = defaultRetryRate) {
    this.#clock = clock;
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#countedAt = clock.monotonic();
  }

  /** Takes a token; how long until it is there. */
  takeMs(): number {
    const { perSecond, burst } = this.#rate;
    const now = this.#clock.monotonic();
    const refilled = this.#tokens + ((now - this.#countedAt) / 1_000) * perSecond;
    this.#tokens = Math.min(burst, refilled) - 1;
    this.#countedAt = now;
    return Math.max(0, (-this.#tokens / perSecond) * 1_000);
  }
}
