/**
 * Trials in the ledger: attempts at some records of a chunk, each in a process of its own, with what
 * became of them. A row without an end proves nothing, since its parent may have died with it.
 */
import type { Sql } from '../connectors/postgres/database.ts';
import type { ChunkRef } from './claim.ts';
import { deathsMin, type RecordRange, type Trial } from './poison.ts';

const beginSql = `
INSERT INTO millrace.attempts (import, chunk, worker, from_record, to_record)
VALUES ($1, $2, $3, $4, $5) RETURNING attempt`;

/** The attempt's number; it is ended like any other. */
export async function beginTrial(
  db: Sql,
  ref: ChunkRef,
  { worker, from, to }: RecordRange & { readonly worker: string },
): Promise<string> {
  const values = [ref.import, ref.chunk, worker, from, to];
  const { rows } = await db.query<{ attempt: string }>(beginSql, values);
  return rows[0]?.attempt ?? '';
}

const readSql = `
SELECT from_record, to_record, outcome FROM millrace.attempts
WHERE import = $1 AND chunk = $2 AND from_record IS NOT NULL ORDER BY attempt`;

interface RawTrial {
  readonly from_record: number;
  readonly to_record: number;
  readonly outcome: string | null;
}

export async function readTrials(db: Sql, ref: ChunkRef): Promise<readonly Trial[]> {
  const { rows } = await db.query<RawTrial>(readSql, [ref.import, ref.chunk]);
  return rows.map(({ from_record: from, to_record: to, outcome }) => ({
    from,
    to,
    end: endOf(outcome ?? ''),
  }));
}

function endOf(outcome: string): Trial['end'] {
  if (outcome === 'Passed' || outcome === 'Loaded') return 'Passed';
  return outcome.startsWith('Died:') ? 'Died' : 'Other';
}

/** Such attempts ended with their worker, or look as if they had. */
export const endedUnheardSql = `from_record IS NULL AND (ended_at IS NULL OR outcome = 'Fault:Unknown')`;

const suspectSql = `
SELECT a.chunk, count(*) FILTER (WHERE a.from_record IS NOT NULL)::int AS trials
FROM millrace.attempts a
JOIN millrace.chunks c ON c.import = a.import AND c.chunk = a.chunk AND c.done_at IS NULL
WHERE a.import = $1
GROUP BY a.chunk
HAVING count(*) FILTER (WHERE a.${endedUnheardSql}) >= ${deathsMin}
ORDER BY trials DESC, a.chunk LIMIT 1`;

export interface SuspectChunk {
  readonly chunk: number;
  readonly trials: number;
}

/** A chunk that is tried by parts now, or will be by the next worker that gets it. */
export async function suspectChunk(db: Sql, uid: string): Promise<SuspectChunk | undefined> {
  return (await db.query<{ chunk: number; trials: number }>(suspectSql, [uid])).rows[0];
}
