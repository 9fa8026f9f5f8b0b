/**
 * Time as an argument. Loops and back-offs take a `Clock`, so that tests move time by hand and
 * nothing sleeps for real.
 */
import { setTimeout as delay } from 'node:timers/promises';

export interface Clock {
  /** Wall time in milliseconds since the epoch. */
  now(): number;
  /** Milliseconds of a clock that never steps; only differences mean anything. */
  monotonic(): number;
  /**
   * Resolves after `ms`, or at once when the signal aborts (it never rejects for that). What is left of
   * an interval may be less than nothing.
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    try {
      await delay(Math.max(0, ms), undefined, signal ? { signal } : {});
    } catch (error) {
      if (signal?.aborted !== true) throw error;
    }
  },
};
