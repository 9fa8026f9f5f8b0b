/**
 * Keeps looking at one thing: first when woken, then whenever woken, when its time has come, and after
 * a failure.
 *
 * Passes never overlap. However often it is woken, passes begin at least a second apart, so that two
 * replicas of different versions that undo each other's writes during a rolling update do it slowly.
 */
import type { Clock } from '@millrace/kit/clock';
import { backoffMs } from '@millrace/kit/retry';

export interface RecheckOptions {
  readonly clock: Clock;
  /** Resolves to the milliseconds until the clock alone could have changed something. */
  readonly pass: () => Promise<number>;
  readonly onFailure: (failure: unknown) => void;
}

const backoff = { baseMs: 1_000, maxMs: 60_000 };
const apartMs = 1_000;
/** Timers of Node end at 24 days; and what was missed is seen within the hour. */
const restMsMax = 60 * 60_000;

export class Recheck {
  readonly #options: RecheckOptions;
  #isWoken = false;
  #interrupt: (() => void) | undefined;

  constructor(options: RecheckOptions) {
    this.#options = options;
  }

  wake(): void {
    this.#isWoken = true;
    this.#interrupt?.();
  }

  /** Runs until the signal aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, pass, onFailure } = this.#options;
    let failures = 0;
    await this.#rest(restMsMax, signal);
    while (!signal.aborted) {
      this.#isWoken = false;
      let restMs: number;
      try {
        restMs = Math.min(await pass(), restMsMax);
        failures = 0;
      } catch (failure) {
        failures++;
        onFailure(failure);
        restMs = backoffMs(failures, backoff);
      }
      await clock.sleep(apartMs, signal);
      await this.#rest(restMs, signal);
    }
  }

  async #rest(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#isWoken || signal.aborted) return;
    const woken = new AbortController();
    this.#interrupt = () => woken.abort();
    await this.#options.clock.sleep(ms, AbortSignal.any([signal, woken.signal]));
    this.#interrupt = undefined;
  }
}
