/**
 * Answers that may be used again for a while, and no more of them than a bound.
 *
 * Whoever asks for the same while the answer is on its way waits for that one. Failures are told to
 * those who wait and are not kept. When it is full the oldest goes: an answer lives for seconds, so
 * that is nearly always one that has run out.
 */
import type { Clock } from '@millrace/kit/clock';

export interface Answer<V> {
  readonly value: V;
  readonly keepMs: number;
}

interface Held<V> {
  readonly value: V;
  readonly until: number;
}

export class ExpiringCache<V> {
  readonly #clock: Clock;
  readonly #entriesMax: number;
  readonly #held = new Map<string, Held<V>>();
  readonly #coming = new Map<string, Promise<V>>();

  constructor(clock: Clock, entriesMax: number) {
    this.#clock = clock;
    this.#entriesMax = entriesMax;
  }

  get size(): number {
    return this.#held.size;
  }

  async get(key: string, ask: () => Promise<Answer<V>>): Promise<V> {
    const held = this.#held.get(key);
    if (held !== undefined && this.#clock.monotonic() < held.until) return held.value;
    const coming = this.#coming.get(key) ?? this.#ask(key, ask);
    this.#coming.set(key, coming);
    try {
      return await coming;
    } finally {
      this.#coming.delete(key);
    }
  }

  async #ask(key: string, ask: () => Promise<Answer<V>>): Promise<V> {
    // Counted from the question: the answer may be as old as that.
    const askedAt = this.#clock.monotonic();
    const { value, keepMs } = await ask();
    this.#held.delete(key);
    this.#held.set(key, { value, until: askedAt + keepMs });
    for (const oldest of this.#held.keys()) {
      if (this.#held.size <= this.#entriesMax) break;
      this.#held.delete(oldest);
    }
    return value;
  }
}
