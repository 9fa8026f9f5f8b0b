/**
 * A row for each time a worker takes a chunk, written outside the chunk's transaction so that it
 * outlives the worker. Only these rows can prove that a chunk kills those who work on it: redelivery
 * counts of a broker prove nothing.
 */
import type { Sql } from '../connectors/postgres/database.ts';
import type { ChunkRef } from './claim.ts';
import { tellSql, type WorkerReport } from './crew.ts';
import { endedUnheardSql } from './trials.ts';

const beginSql = `
INSERT INTO millrace.attempts (import, chunk, worker)
SELECT $1, $2, $3 WHERE EXISTS (SELECT FROM millrace.imports WHERE uid = $1)
RETURNING attempt, (SELECT count(*) FROM millrace.attempts
  WHERE import = $1 AND chunk = $2 AND ${endedUnheardSql})::int AS unheard`;
/** The same, and what the worker has to say: one statement, so that it costs no commit of its own. */
const beginAndTellSql = `WITH told AS (${tellSql}) ${beginSql}`;
/** Once: where the answer to a commit is lost, the attempt ended with it all the same. */
const endSql = `
UPDATE millrace.attempts SET ended_at = clock_timestamp(), outcome = $2
WHERE attempt = $1 AND ended_at IS NULL`;

export interface Attempt {
  /** Its number in the ledger. */
  readonly attempt: string;
  /** Attempts before it that nobody ended: their workers died, or still work or wait. */
  readonly unheard: number;
}

export interface AttemptOptions {
  readonly worker: string;
  readonly report?: WorkerReport | undefined;
}

/** Undefined when the ledger knows no such import. */
export async function beginAttempt(
  db: Sql,
  ref: ChunkRef,
  { worker, report }: AttemptOptions,
): Promise<Attempt | undefined> {
  const values = [ref.import, ref.chunk, worker];
  if (report === undefined) return (await db.query<Attempt>(beginSql, values)).rows[0];
  const { chunkMs, commitMs, usualMs, share } = report;
  const told = [...values, chunkMs, commitMs, usualMs, share];
  return (await db.query<Attempt>(beginAndTellSql, told)).rows[0];
}

/**
 * `outcome` is Loaded, Done, Busy, Ended, or the code of the failure that ended the attempt. Whoever
 * comes second changes nothing.
 */
export async function endAttempt(db: Sql, attempt: string, outcome: string): Promise<void> {
  await db.query(endSql, [attempt, outcome]);
}
