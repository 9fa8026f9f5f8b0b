/**
 * The bump of an import that has failed: whoever loaded a chunk may have died before its own, and
 * nobody is told of that chunk again.
 *
 * The verdict is told before, and a cache that is away is waited for no longer than `patienceMs`: what
 * it still keeps then lives as long as `cache.ttl` says, or until the table is loaded again.
 */
import type { Clock } from '@millrace/kit/clock';
import { Failure } from '@millrace/kit/failure';

export interface LastBump {
  readonly clock: Clock;
  /** Told of each failure. */
  failed(failure: Failure): void;
}

/** Long enough for a Redis that restarts. */
const patienceMs = 30_000;
const retryMs = 500;

export async function lastBump(bump: () => Promise<void>, options: LastBump): Promise<void> {
  const { clock } = options;
  const endMs = clock.monotonic() + patienceMs;
  for (;;) {
    try {
      return await bump();
    } catch (error) {
      if (!(error instanceof Failure) || error.family === 'Fault') throw error;
      options.failed(error);
      if (error.family === 'Permanent' || clock.monotonic() >= endMs) return;
      await clock.sleep(retryMs);
    }
  }
}
