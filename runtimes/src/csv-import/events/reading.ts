/**
 * How streams read rows: few at a time, so that pages and single rows keep most connections, and each
 * page once for all who are at the same place.
 *
 * A page is kept for a second, as long as somebody listens, and only if it is within 128 KiB, so the
 * memory is bounded by the number of pages. A larger row is read by itself, by who has taken room for
 * it. A page may be older than what is committed by then, but never than the snapshot of the stream that
 * gets it: chunks which that snapshot shows are not sent later, so a page without their rows would lose
 * them.
 */
import type { Clock } from '@millrace/kit/clock';
import type { Sql } from '../../connectors/postgres/database.ts';
import type { MeasuredRow, Statement } from '../gateway/sql.ts';
import { openRoom, type Room } from './room.ts';

/** Large enough that a page costs its rows. */
export const pageBytesMax = 128 * 1024;

/** Two of the longest records that an import takes unless it asks for longer ones. */
const roomBytesMax = 32 * 1024 * 1024;

/** Of the gateway's eight connections. */
const readersMax = 3;
const pagesMax = 64;
const pageAgeMs = 1_000;

export interface StreamReads {
  /** Of what was committed when the stream's snapshot was taken, every row that is still there. */
  page(statement: Statement, snapshot: KnownSnapshot): Promise<readonly MeasuredRow[]>;
  /** For rows larger than a page, in the memory of all streams together. */
  readonly room: Room;
  /** With the last of those who listen the pages go. */
  listen(): Disposable;
}

export interface KnownSnapshot {
  readonly snapshot: string;
  /** On the monotonic clock: when it was seen or told, so it was taken before. */
  readonly knownAt: number;
}

interface Page {
  readonly rows: Promise<readonly MeasuredRow[]>;
  readonly readAt: number;
}

export function streamReads(sql: Sql, clock: Clock): StreamReads {
  const inTurn = turns(readersMax);
  const pages = new Map<string, Page>();
  let listeners = 0;
  return {
    page: ({ text, values }, { snapshot, knownAt }) => {
      const key = JSON.stringify([text, values, snapshot]);
      const now = clock.monotonic();
      // In the order in which they were read, so the first that is young ends the search.
      for (const [old, page] of pages) {
        if (pages.size < pagesMax && now - page.readAt < pageAgeMs) break;
        pages.delete(old);
      }
      const known = pages.get(key);
      // A snapshot that a client told us may be of its own making, and not taken yet at that time.
      if (known !== undefined && known.readAt >= knownAt) return known.rows;
      const rows = inTurn(async () => (await sql.query<MeasuredRow>(text, values)).rows);
      const kept = { rows, readAt: now };
      // Behind all that were read before it.
      pages.delete(key);
      pages.set(key, kept);
      const forget = (): void => {
        if (pages.get(key) === kept) pages.delete(key);
      };
      rows.then((found) => {
        const [first] = found;
        if (first !== undefined && first.body !== null && first.bytes > pageBytesMax) forget();
      }, forget);
      return rows;
    },
    room: openRoom(roomBytesMax),
    listen: () => {
      listeners += 1;
      return {
        [Symbol.dispose]: () => {
          listeners -= 1;
          if (listeners === 0) pages.clear();
        },
      };
    },
  };
}

/** Runs at most so many at once, in the order in which they came. */
function turns(max: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= max) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
