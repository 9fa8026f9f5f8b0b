/**
 * A row for each time a worker takes a chunk, written outside the chunk's transaction so that it
 * outlives the worker. Only these rows can prove that a chunk kills those who work on it: redelivery
 * counts of a broker prove nothing.
 */
import type { Sql } from '../connectors/postgres/database.ts';
import type { ChunkRef } from './claim.ts';
import { endedUnheardSql } from './trials.ts';

const beginSql = `
INSERT INTO millrace.attempts (import, chunk, worker)
SELECT $1, $2, $3 WHERE EXISTS (SELECT FROM millrace.imports WHERE uid = $1)
RETURNING attempt, (SELECT count(*) FROM millrace.attempts
  WHERE import = $1 AND chunk = $2 AND ${endedUnheardSql})::int AS unheard`;
const endSql =
  'UPDATE millrace.attempts SET ended_at = clock_timestamp(), outcome = $2 WHERE attempt = $1';

export interface Attempt {
  /** Its number in the ledger. */
  readonly attempt: string;
  /** Attempts before it that nobody ended: their workers died, or still work or wait. */
  readonly unheard: number;
}

/** Undefined when the ledger knows no such import. */
export async function beginAttempt(
  db: Sql,
  ref: ChunkRef,
  worker: string,
): Promise<Attempt | undefined> {
  return (await db.query<Attempt>(beginSql, [ref.import, ref.chunk, worker])).rows[0];
}

/** `outcome` is Loaded, Done, Busy, Ended, or the code of the failure that ended the attempt. */
export async function endAttempt(db: Sql, attempt: string, outcome: string): Promise<void> {
  await db.query(endSql, [attempt, outcome]);
}
