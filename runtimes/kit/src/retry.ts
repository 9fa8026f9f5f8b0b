/**
 * Back-off in place for Transient failures. One layer of retry only: connectors do not retry,
 * the loops that own a unit of work do, through this function.
 */
import type { Clock } from './clock.ts';
import { Transient } from './transient.ts';

export interface Backoff {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** Half a second keeps a restarted backend from a stampede; five seconds keeps the wait short once it is back. */
export const defaultBackoff: Backoff = { baseMs: 500, maxMs: 5_000 };

/** The delay before attempt `attempt + 1` (first attempt is 1), with ± 20 % jitter from `random` in [0, 1). */
export function backoffMs(
  attempt: number,
  backoff: Backoff,
  random: number = Math.random(),
): number {
  const exponential = backoff.baseMs * 2 ** Math.min(attempt - 1, 30);
  return Math.min(exponential, backoff.maxMs) * (0.8 + 0.4 * random);
}

export interface RetryOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly backoff?: Backoff;
  /** Told of each failure in a row before the wait; the place to log and to set a condition. */
  onWait?(failure: Transient, failures: number, waitMs: number): void;
}

/**
 * Runs `work` until it succeeds. Only Transient failures are retried, without a limit on their
 * number: a backend may be away for hours and the work is still to be done. Ends by throwing the
 * last failure when the signal aborts. The back-off starts over after work that lasted.
 */
export async function retryTransient<T>(
  work: (attempt: number) => Promise<T>,
  options: RetryOptions,
): Promise<T> {
  const backoff = options.backoff ?? defaultBackoff;
  let failures = 0;
  for (let attempt = 1; ; attempt++) {
    const startedMs = options.clock.monotonic();
    try {
      return await work(attempt);
    } catch (error) {
      if (!(error instanceof Transient) || options.signal.aborted) throw error;
      // Work that went on for longer than the longest wait had recovered: this is a new trouble.
      const hadRecovered = options.clock.monotonic() - startedMs > backoff.maxMs;
      failures = hadRecovered ? 1 : failures + 1;
      const waitMs = error.retryAfterMs ?? backoffMs(failures, backoff);
      options.onWait?.(error, failures, waitMs);
      await options.clock.sleep(waitMs, options.signal);
      if (options.signal.aborted) throw error;
    }
  }
}
