/**
 * How much memory the streams may hold before they are committed.
 *
 * Redis is asked for their size now and then; what this gateway has appended since is added, so that
 * a burst between two looks is refused too. What other gateways append in between is not known:
 * the budget is passed by at most what they take in one interval.
 */
import type { Clock } from '@millrace/kit/clock';
import type { RedisLink } from '../../connectors/redis/link.ts';
import type { Incarnations } from './incarnations.ts';
import { streamBytes } from './reader.ts';

export class Budget {
  readonly #maxBytes: number;
  #lookedBytes = 0;
  #addedBytes = 0;
  #addedAtLook = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get isFull(): boolean {
    return this.bytes >= this.#maxBytes;
  }

  get bytes(): number {
    return this.#lookedBytes + this.#addedBytes;
  }

  added(bytes: number): void {
    this.#addedBytes += bytes;
  }

  /** Called before Redis is asked: what is appended from now on may not be in its answer. */
  looking(): void {
    this.#addedAtLook = this.#addedBytes;
  }

  looked(bytes: number): void {
    this.#lookedBytes = bytes;
    this.#addedBytes -= this.#addedAtLook;
    this.#addedAtLook = 0;
  }
}

export interface Measured {
  readonly budget: Budget;
  readonly incarnations: Incarnations;
  readonly link: RedisLink;
  readonly uid: string;
  readonly clock: Clock;
}

const intervalMs = 500;

/** Keeps the budget in step with Redis until the signal aborts. */
export async function measure(it: Measured, signal: AbortSignal): Promise<void> {
  const { budget, incarnations, link, uid, clock } = it;
  while (!signal.aborted) {
    budget.looking();
    try {
      const sizes = await Promise.all(
        incarnations.streams.map(({ partition, incarnation }) =>
          streamBytes(link, { uid, partition, incarnation }),
        ),
      );
      if (sizes.length > 0) budget.looked(sizes.reduce((sum, bytes) => sum + bytes, 0));
    } catch {
      // Without an answer nothing can be appended either; what was known stays.
    }
    await clock.sleep(intervalMs, signal);
  }
}
