/** What a worker has done since it began: the figures of its signs of life. */
import type { Clock } from '@millrace/kit/clock';

export interface Workload {
  /** Counts the time as busy, once however many partitions are at it. */
  busy<T>(work: () => Promise<T>): Promise<T>;
  committed(increments: number): void;
  figures(): { readonly committed: bigint; readonly busyMs: bigint };
}

export function createWorkload(clock: Clock): Workload {
  let committed = 0n;
  let busyMs = 0;
  let active = 0;
  let sinceMs = 0;
  const settle = (): void => {
    const nowMs = clock.monotonic();
    if (active > 0) busyMs += nowMs - sinceMs;
    sinceMs = nowMs;
  };
  return {
    busy: async (work) => {
      settle();
      active += 1;
      try {
        return await work();
      } finally {
        settle();
        active -= 1;
      }
    },
    committed: (increments) => {
      committed += BigInt(increments);
    },
    figures: () => {
      settle();
      return { committed, busyMs: BigInt(Math.round(busyMs)) };
    },
  };
}
