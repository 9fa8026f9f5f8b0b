/**
 * A chunk that fails again and again for a reason of its own: not a backend that is away, but
 * something that the next attempt will meet too. The import then ends with that reason instead of
 * going round for ever.
 */
import type { Sql } from '../connectors/postgres/database.ts';

/** Enough to outlast a deployment in progress; each attempt is seconds. */
const timesMax = 5;

const refusedSql = `
SELECT a.chunk, a.outcome, count(*)::int AS times
FROM millrace.attempts a
JOIN millrace.chunks c ON c.import = a.import AND c.chunk = a.chunk AND c.done_at IS NULL
WHERE a.import = $1 AND (a.outcome LIKE 'Permanent:%' OR a.outcome LIKE 'Fault:%')
  -- What is wrong with the source, the coordinator sees itself and names better.
  AND a.outcome NOT LIKE 'Permanent:Source%'
GROUP BY a.chunk, a.outcome HAVING count(*) >= ${timesMax}
ORDER BY a.chunk LIMIT 1`;

export interface RefusedChunk {
  readonly chunk: number;
  /** Family and code of the failure. */
  readonly outcome: string;
  readonly times: number;
}

export async function refusedChunk(db: Sql, uid: string): Promise<RefusedChunk | undefined> {
  const { rows } = await db.query<{ chunk: number; outcome: string; times: number }>(refusedSql, [
    uid,
  ]);
  return rows[0];
}
