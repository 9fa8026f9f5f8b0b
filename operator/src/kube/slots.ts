/**
 * Lets a fixed number of calls run at once; the rest wait in the order they came.
 *
 * undici would queue them too, but its queue counts against the deadline of the call: a thousand
 * creates at once would time out on a healthy server for having waited behind each other.
 */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.#take();
    try {
      return await work();
    } finally {
      this.#give();
    }
  }

  async #take(): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The slot goes straight to whoever waits, so that nobody who comes later can overtake. */
  #give(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}
