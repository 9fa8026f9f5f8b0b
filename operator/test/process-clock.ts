/**
 * The clocks of one process in simulated time: a wall clock that is wrong, and a monotonic clock of
 * its own speed that stands still while the machine sleeps. What waits goes on only while it runs.
 */
import type { Clock } from '@millrace/kit/clock';
import type { ManualClock } from './manual-clock.ts';

/** Stopped: the process alone. Asleep: its machine, and with it the monotonic clock. */
export type Pause = 'running' | 'stopped' | 'asleep';

export interface ClockErrors {
  readonly wallOffsetMs: number;
  readonly rate: number;
}

export class ProcessClock implements Clock {
  readonly #truth: ManualClock;
  #wallOffsetMs: number;
  readonly #rate: number;
  #sleptMs = 0;
  #asleepSince: number | undefined;
  #resumed = Promise.withResolvers<void>();
  #pause: Pause = 'running';

  constructor(truth: ManualClock, { wallOffsetMs, rate }: ClockErrors) {
    this.#truth = truth;
    this.#wallOffsetMs = wallOffsetMs;
    this.#rate = rate;
  }

  now(): number {
    return this.#truth.now() + this.#wallOffsetMs;
  }

  /** Sets the wall clock, as a time service or a person does. */
  step(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  monotonic(): number {
    const now = this.#truth.monotonic();
    const asleepMs = this.#asleepSince === undefined ? 0 : now - this.#asleepSince;
    // Away from 0, where every machine seems to have started just now.
    return 1_000 + (now - this.#sleptMs - asleepMs) * this.#rate;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await this.#truth.sleep(ms / this.#rate, signal);
    await this.running();
  }

  /** Resolves when the process can go on. */
  async running(): Promise<void> {
    while (this.#pause !== 'running') await this.#resumed.promise;
  }

  set(pause: Pause): void {
    const now = this.#truth.monotonic();
    if (this.#asleepSince !== undefined) this.#sleptMs += now - this.#asleepSince;
    this.#asleepSince = pause === 'asleep' ? now : undefined;
    this.#pause = pause;
    if (pause !== 'running') return;
    this.#resumed.resolve();
    this.#resumed = Promise.withResolvers();
  }
}
