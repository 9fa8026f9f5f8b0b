/** What the ledger adds up to: read from the rows that committed with the data, never remembered. */
import type { Sql } from '../connectors/postgres/database.ts';

export interface LedgerTotals {
  readonly read: number;
  readonly rejected: number;
  readonly superseded: number;
  readonly comments: number;
  readonly blank: number;
  readonly chunksDone: number;
  readonly bytesDone: number;
}

const totalsSql = `
SELECT coalesce(sum(read), 0)::bigint AS read, coalesce(sum(rejected), 0)::bigint AS rejected,
  coalesce(sum(superseded), 0)::bigint AS superseded,
  coalesce(sum(c.comments), 0)::bigint + max(p.comments) AS comments,
  coalesce(sum(c.blank), 0)::bigint + max(p.blank) AS blank,
  count(c.chunk) AS chunks_done, coalesce(sum(length), 0)::bigint AS bytes_done
FROM millrace.plans p
LEFT JOIN millrace.chunks c ON c.import = p.import AND c.done_at IS NOT NULL
WHERE p.import = $1
GROUP BY p.import`;

export async function readTotals(db: Sql, uid: string): Promise<LedgerTotals> {
  const { rows } = await db.query<Record<string, string>>(totalsSql, [uid]);
  const of = (name: string): number => Number(rows[0]?.[name] ?? 0);
  return {
    read: of('read'),
    rejected: of('rejected'),
    superseded: of('superseded'),
    comments: of('comments'),
    blank: of('blank'),
    chunksDone: of('chunks_done'),
    bytesDone: of('bytes_done'),
  };
}

export interface ReasonCount {
  readonly reason: string;
  readonly rows: number;
}

const reasonsSql = `
SELECT r.key AS reason, sum(r.value::bigint)::bigint AS rows
FROM millrace.chunks c CROSS JOIN LATERAL jsonb_each_text(c.reasons) r
WHERE c.import = $1 AND c.done_at IS NOT NULL AND c.rejected > 0
GROUP BY r.key ORDER BY sum(r.value::bigint) DESC, r.key LIMIT 16`;

/** Rejects by reason, most frequent first, at most 16. */
export async function readReasons(db: Sql, uid: string): Promise<ReasonCount[]> {
  const { rows } = await db.query<{ reason: string; rows: string }>(reasonsSql, [uid]);
  return rows.map((row) => ({ reason: row.reason, rows: Number(row.rows) }));
}
