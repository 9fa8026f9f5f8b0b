/**
 * Memory that all streams of a gateway share, for rows that are larger than a page: whoever wants to
 * send one takes room for it before it is read, and waits in line while there is none.
 *
 * First come, first served, so that a large row is not passed by smaller ones for ever. One that is
 * larger than the whole room gets all of it, alone. Who goes away while waiting leaves the line.
 */
export interface Room {
  /** Resolves when the bytes are free, or the signal aborts; disposing gives them back. */
  take(bytes: number, signal: AbortSignal): Promise<Disposable>;
}

interface Waiting {
  readonly bytes: number;
  readonly admit: () => void;
}

export function openRoom(bytesMax: number): Room {
  let free = bytesMax;
  let line: Waiting[] = [];
  const admitNext = (): void => {
    for (let [next] = line; next !== undefined && next.bytes <= free; [next] = line) {
      line = line.slice(1);
      free -= next.bytes;
      next.admit();
    }
  };
  return {
    take: async (asked, signal) => {
      const bytes = Math.min(asked, bytesMax);
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const waiting = { bytes, admit: () => resolve(true) };
      const leave = (): void => {
        line = line.filter((one) => one !== waiting);
        resolve(false);
        admitNext();
      };
      line.push(waiting);
      admitNext();
      if (signal.aborted) leave();
      else signal.addEventListener('abort', leave, { once: true });
      const isAdmitted = await promise;
      signal.removeEventListener('abort', leave);
      let held = isAdmitted ? bytes : 0;
      return {
        [Symbol.dispose]: () => {
          free += held;
          held = 0;
          admitNext();
        },
      };
    },
  };
}
