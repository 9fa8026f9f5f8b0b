/** Pipelines as the ledger knows them, for commands that are given a name. */
import type { Sql } from '../../connectors/postgres/database.ts';

export interface KnownPipeline {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly table: string;
  /** Dead letters that wait. */
  readonly waiting: number;
}

const findSql = `
SELECT p.uid, p.namespace, p.name, p.target AS table,
  (SELECT count(*)::int FROM millrace.increment_dead_letters d
    WHERE d.pipeline = p.uid AND d.replayed_at IS NULL) AS waiting
FROM millrace.increment_pipelines p ORDER BY p.created_at DESC LIMIT 1000`;

/** Newest first; none without a ledger. */
export async function knownPipelines(sql: Sql): Promise<readonly KnownPipeline[]> {
  const { rows: ledger } = await sql.query<{ found: boolean }>(
    `SELECT to_regclass('millrace.increment_pipelines') IS NOT NULL AS found`,
  );
  if (ledger[0]?.found !== true) return [];
  return (await sql.query<KnownPipeline>(findSql)).rows;
}
