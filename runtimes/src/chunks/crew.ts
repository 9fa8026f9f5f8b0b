/**
 * How the workers of an import get on, as they say it with their next attempt. A worker that was not
 * heard of for much longer than its chunks take has gone, or waits.
 */
import type { Sql } from '../connectors/postgres/database.ts';

/** What one worker says of itself. */
export interface WorkerReport {
  /** From claim to commit of its last chunk. */
  readonly chunkMs: number;
  /** Of that, the commit, over the last few chunks. */
  readonly commitMs: number;
  /** What a commit takes when the server has nothing else to do, as far as this worker has seen. */
  readonly usualMs: number;
  /** Of its time, what it works; the rest it leaves the server to others. */
  readonly share: number;
}

export interface Crew {
  readonly workers: number;
  /** The sum of all shares. */
  readonly shares: number;
  /** Medians over workers. */
  readonly chunkMs: number;
  readonly commitMs: number;
  readonly usualMs: number;
}

/** As a part of the statement that begins an attempt, whose first values are import, chunk and worker. */
export const tellSql = `
INSERT INTO millrace.crew (import, worker, chunk_ms, commit_ms, usual_ms, share)
SELECT $1, $3, $4, $5, $6, $7 WHERE EXISTS (SELECT FROM millrace.imports WHERE uid = $1)
ON CONFLICT (import, worker) DO UPDATE SET seen_at = now(), chunk_ms = excluded.chunk_ms,
  commit_ms = excluded.commit_ms, usual_ms = excluded.usual_ms, share = excluded.share`;

const median = (column: string): string =>
  `coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY ${column}), 0)::real`;
const readSql = `
SELECT count(*)::int AS workers, coalesce(sum(share), 0)::real AS shares,
  ${median('chunk_ms')} AS "chunkMs", ${median('commit_ms')} AS "commitMs",
  ${median('usual_ms')} AS "usualMs"
FROM millrace.crew
WHERE import = $1 AND seen_at > now() - greatest(20, 4 * chunk_ms / 1000) * interval '1 second'`;

export async function readCrew(db: Sql, uid: string): Promise<Crew> {
  const { rows } = await db.query<Crew>(readSql, [uid]);
  return rows[0] ?? { workers: 0, shares: 0, chunkMs: 0, commitMs: 0, usualMs: 0 };
}
