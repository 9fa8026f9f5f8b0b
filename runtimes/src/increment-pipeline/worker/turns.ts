/**
 * Bounds how many partitions of a worker read and commit at a time, first come first served: memory
 * and connections follow from it, not from the number of partitions.
 */
export interface Turns {
  take<T>(work: () => Promise<T>): Promise<T>;
}

export function createTurns(most: number): Turns {
  let free = most;
  const waiting: (() => void)[] = [];
  return {
    take: async (work) => {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        // A turn is handed on, so that nobody who comes later gets in between.
        if (next === undefined) free += 1;
        else next();
      }
    },
  };
}
