/**
 * What the main thread and the renewing thread tell each other without messages, which would wait
 * for an event loop: until when writes may begin, and when the main thread last turned.
 */
import { systemClock, type Clock } from '@millrace/kit/clock';
import type { Validity } from './candidate.ts';

/** `performance.now()` counts from the start of each thread; this counts the same in all of them. */
export const processClock: Clock = {
  ...systemClock,
  monotonic: () => Number(process.hrtime.bigint() / 1_000n) / 1_000,
};

const slots = { validUntil: 0, validUntilWall: 1, turnedAt: 2 } as const;

export class SharedLease {
  readonly buffer: SharedArrayBuffer;
  #cells: BigInt64Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(8 * Object.keys(slots).length)) {
    this.buffer = buffer;
    this.#cells = new BigInt64Array(buffer);
  }

  /** Rounded down: a write that could begin too late does not begin. */
  allow(validity: Validity | undefined): void {
    // The first is what counts when a reader comes between the two: it is set last and cleared first.
    if (validity === undefined) Atomics.store(this.#cells, slots.validUntil, 0n);
    Atomics.store(this.#cells, slots.validUntilWall, toCell(validity?.wallMs ?? 0));
    Atomics.store(this.#cells, slots.validUntil, toCell(validity?.monotonicMs ?? 0));
  }

  isValid(clock: Clock): boolean {
    const until = Number(Atomics.load(this.#cells, slots.validUntil));
    const untilWall = Number(Atomics.load(this.#cells, slots.validUntilWall));
    return clock.monotonic() < until && clock.now() < untilWall;
  }

  /** Whether the time is up for good; a wall clock set forward is not that. */
  isExpired(clock: Clock): boolean {
    return clock.monotonic() >= Number(Atomics.load(this.#cells, slots.validUntil));
  }

  turned(clock: Clock): void {
    Atomics.store(this.#cells, slots.turnedAt, toCell(clock.monotonic()));
  }

  get turnedAt(): number {
    return Number(Atomics.load(this.#cells, slots.turnedAt));
  }
}

function toCell(ms: number): bigint {
  return BigInt(Math.floor(ms));
}
