/**
 * The indexes behind the gateway's prefix filters, built while readers and writers go on. Safe to
 * repeat: a build that was interrupted leaves an invalid index, which is dropped and built again.
 */
import { createHash } from 'node:crypto';
import type { Database, Session } from '../../connectors/postgres/database.ts';
import { sqlIdentifier } from '../../connectors/postgres/identifier.ts';

/** What a filter compares: long texts are cut, so that an index entry always fits. */
export function filterExpression(column: string): string {
  return `lower(left(${sqlIdentifier(column)}, 64))`;
}

/** Unique for (table, column) within 63 bytes, and readable. */
export function filterIndexName(table: string, column: string): string {
  const digest = createHash('sha256').update(`${table}.${column}`).digest('hex').slice(0, 8);
  return `${table.slice(0, 24)}_${column.slice(0, 20)}_${digest}_filter`;
}

/** Building reads the whole table; a day is "never" for an index and still ends. */
const buildTimeoutMs = 86_400_000;

export async function buildFilterIndexes(
  owner: Database,
  table: string,
  columns: readonly string[],
): Promise<void> {
  await owner.session(
    async (session) => {
      for (const column of columns) await buildFilterIndex(session, table, column);
      // Without statistics of the new expressions the planner may read the table in key order until a
      // page is full, which for a rare prefix is the whole table.
      if (columns.length > 0) await session.query(`ANALYZE ${sqlIdentifier(table)}`);
    },
    { statementTimeoutMs: buildTimeoutMs },
  );
}

async function buildFilterIndex(session: Session, table: string, column: string): Promise<void> {
  const name = filterIndexName(table, column);
  const { rows } = await session.query<{ valid: boolean }>(
    'SELECT indisvalid AS valid FROM pg_index WHERE indexrelid = to_regclass($1)',
    [sqlIdentifier(name)],
  );
  if (rows[0]?.valid === true) return;
  if (rows[0] !== undefined) await session.query(`DROP INDEX CONCURRENTLY ${sqlIdentifier(name)}`);
  await session.query(
    `CREATE INDEX CONCURRENTLY IF NOT EXISTS ${sqlIdentifier(name)} ON ${sqlIdentifier(table)}
      (${filterExpression(column)} text_pattern_ops)`,
  );
}
