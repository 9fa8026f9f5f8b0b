/**
 * Tells, from another thread, that the main thread's event loop stands still.
 *
 * Only time in which this thread did run counts: a process that was stopped as a whole, or a machine
 * that slept, wakes both threads at once, and the one that looks first must not condemn the other.
 */
export class StallWatch {
  #turnedAt: number;
  #lookedAt: number;
  #stalledMs = 0;
  readonly #periodMs: number;

  constructor(start: {
    readonly turnedAt: number;
    readonly now: number;
    readonly periodMs: number;
  }) {
    this.#turnedAt = start.turnedAt;
    this.#lookedAt = start.now;
    this.#periodMs = start.periodMs;
  }

  /** To be called every period; how long the main thread has not turned while we did. */
  look(turnedAt: number, now: number): number {
    const elapsedMs = Math.min(now - this.#lookedAt, 2 * this.#periodMs);
    this.#lookedAt = now;
    this.#stalledMs = turnedAt === this.#turnedAt ? this.#stalledMs + elapsedMs : 0;
    this.#turnedAt = turnedAt;
    return this.#stalledMs;
  }
}
