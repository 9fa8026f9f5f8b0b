/**
 * A row for each time a worker takes a chunk, written outside the chunk's transaction so that it
 * outlives the worker. Only these rows can prove that a chunk kills those who work on it: redelivery
 * counts of a broker prove nothing.
 */
import type { Sql } from '../connectors/postgres/database.ts';
import type { ChunkRef } from './claim.ts';

const beginSql = `
INSERT INTO millrace.attempts (import, chunk, worker)
SELECT $1, $2, $3 WHERE EXISTS (SELECT FROM millrace.imports WHERE uid = $1)
RETURNING attempt`;
const endSql =
  'UPDATE millrace.attempts SET ended_at = clock_timestamp(), outcome = $2 WHERE attempt = $1';

/** The attempt's number; undefined when the ledger knows no such import. */
export async function beginAttempt(
  db: Sql,
  ref: ChunkRef,
  worker: string,
): Promise<string | undefined> {
  const { rows } = await db.query<{ attempt: string }>(beginSql, [ref.import, ref.chunk, worker]);
  return rows[0]?.attempt;
}

/** `outcome` is Loaded, Done, Busy, Ended, or the code of the failure that ended the attempt. */
export async function endAttempt(db: Sql, attempt: string, outcome: string): Promise<void> {
  await db.query(endSql, [attempt, outcome]);
}
