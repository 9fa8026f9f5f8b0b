/**
 * How old the oldest increment is that is not committed, over all partitions.
 *
 * Its age is Redis' time less the time in its id: one clock for both. That clock may step back, so an
 * entry is at least as old as the time since it was first seen by a clock that does not. While the
 * backends are away the age of what was seen last goes on growing.
 */
import { entryTimeMs } from '../stream/entry-id.ts';
import type { StreamsReading } from './reading.ts';

interface Seen {
  readonly entry: string;
  readonly firstSeenMs: number;
  /** Its age when it was last looked at, and when that was. */
  readonly ageMs: number;
  readonly atMs: number;
}

export class Staleness {
  #seen = new Map<number, Seen>();

  /** `nowMs` is monotonic. */
  observe(reading: StreamsReading, nowMs: number): void {
    const seen = new Map<number, Seen>();
    for (const [partition, { incarnation, oldestId }] of reading.streams) {
      if (oldestId === undefined) continue;
      const entry = `${incarnation}:${oldestId}`;
      const before = this.#seen.get(partition);
      const firstSeenMs = before?.entry === entry ? before.firstSeenMs : nowMs;
      const ageMs = Math.max(reading.nowMs - entryTimeMs(oldestId), nowMs - firstSeenMs);
      seen.set(partition, { entry, firstSeenMs, ageMs, atMs: nowMs });
    }
    this.#seen = seen;
  }

  ageMs(nowMs: number): number {
    let oldest = 0;
    for (const { ageMs, atMs } of this.#seen.values()) {
      oldest = Math.max(oldest, ageMs + nowMs - atMs);
    }
    return Math.round(oldest);
  }
}
