/**
 * Asks for everything that is asked for within one turn of the event loop in one call.
 *
 * Under load a turn takes many requests off their sockets; a call to Redis costs this process more
 * than all else it does for a row, so they share one. It is sent when the turn has seen all its sockets,
 * whatever other calls are under way, so whoever asks alone waits for nobody.
 */

interface Asked<T> {
  readonly what: string;
  readonly settle: (found: T) => void;
  readonly fail: (error: unknown) => void;
}

/** What one call may hold up at the server, and what its answer may be at most: that many rows. */
const askedMax = 64;

/** `call` answers in the order it is asked. */
export function inOneCall<T>(
  call: (asked: readonly string[]) => Promise<readonly T[]>,
): (what: string) => Promise<T> {
  let waiting: Asked<T>[] = [];
  const send = async (asked: readonly Asked<T>[]): Promise<void> => {
    try {
      const found = await call(asked.map(({ what }) => what));
      for (const [at, answer] of found.entries()) asked[at]?.settle(answer);
    } catch (error) {
      for (const { fail } of asked) fail(error);
    }
  };
  const sendAll = (): void => {
    const all = waiting;
    waiting = [];
    for (let at = 0; at < all.length; at += askedMax) void send(all.slice(at, at + askedMax));
  };
  return (what) =>
    new Promise((settle, fail) => {
      if (waiting.push({ what, settle, fail }) === 1) setImmediate(sendAll);
    });
}
