/** A clock that moves only when told to; sleepers wake in order of their time. */
import type { Clock } from '@millrace/kit/clock';

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

export class ManualClock implements Clock {
  #elapsedMs = 0;
  #startMs: number;
  #sleepers = new Set<Sleeper>();

  constructor(start = '2030-01-01T00:00:00.000Z') {
    this.#startMs = Date.parse(start);
  }

  get sleepers(): number {
    return this.#sleepers.size;
  }

  now(): number {
    return this.#startMs + this.#elapsedMs;
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return;
    await new Promise<void>((resolve) => {
      const sleeper: Sleeper = { at: this.#elapsedMs + ms, wake: resolve };
      this.#sleepers.add(sleeper);
      signal?.addEventListener(
        'abort',
        () => {
          this.#sleepers.delete(sleeper);
          resolve();
        },
        { once: true },
      );
    });
  }

  /** Moves time, stopping at each sleeper on the way so that what it starts sees the right time. */
  async advance(ms: number): Promise<void> {
    // What was started just before must have come to its own sleep, or it would count from the end.
    await turns(2);
    const end = this.#elapsedMs + ms;
    for (;;) {
      const next = [...this.#sleepers].toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      this.#elapsedMs = Math.max(this.#elapsedMs, next.at);
      this.#sleepers.delete(next);
      next.wake();
      await turns(2);
    }
    this.#elapsedMs = end;
    await turns(2);
  }
}

/** Lets whatever is ready run, without any time passing. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
