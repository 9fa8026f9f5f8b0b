/**
 * How streams read rows: few at a time, so that pages and single rows keep most connections, and each
 * page once for all who are at the same place.
 *
 * A page is at most 128 KiB and kept for a second, so the memory is bounded by the number of pages.
 * What it holds may be older than what is committed by then: whoever committed it since is a chunk
 * that the stream has yet to send.
 */
import type { Clock } from '@millrace/kit/clock';
import type { Sql } from '../../connectors/postgres/database.ts';
import type { PageRow, Statement } from '../gateway/sql.ts';

/** Of the gateway's eight connections. */
const readersMax = 3;
const pagesMax = 64;
const pageAgeMs = 1_000;

export interface StreamReads {
  page(statement: Statement): Promise<readonly PageRow[]>;
}

interface Page {
  readonly rows: Promise<readonly PageRow[]>;
  readonly readAt: number;
}

export function streamReads(sql: Sql, clock: Clock): StreamReads {
  const inTurn = turns(readersMax);
  const pages = new Map<string, Page>();
  return {
    page: ({ text, values }) => {
      const key = JSON.stringify([text, values]);
      const now = clock.monotonic();
      // In the order in which they were read, so the first that is young ends the search.
      for (const [old, page] of pages) {
        if (pages.size < pagesMax && now - page.readAt < pageAgeMs) break;
        pages.delete(old);
      }
      const known = pages.get(key);
      if (known !== undefined) return known.rows;
      const rows = inTurn(async () => (await sql.query<PageRow>(text, values)).rows);
      pages.set(key, { rows, readAt: now });
      rows.catch(() => pages.delete(key));
      return rows;
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
