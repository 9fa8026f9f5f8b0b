/**
 * The indexes behind the gateway's filters, by prefix and by blind index, and behind its streams of
 * rows, by position; built while readers and writers go on. Safe to repeat: a build that was
 * interrupted leaves an invalid index, which is dropped and built again.
 */
import { createHash } from 'node:crypto';
import type { Database, Session } from '../../connectors/postgres/database.ts';
import { sqlIdentifier } from '../../connectors/postgres/identifier.ts';
import { blindIndexColumn } from '../../sealing/blind-index.ts';
import { positionColumn } from './target.ts';

/** What a filter compares: long texts are cut, so that an index entry always fits. */
export function filterExpression(column: string): string {
  return `lower(left(${sqlIdentifier(column)}, 64))`;
}

/** Unique for (table, column) within 63 bytes, and readable. */
export function filterIndexName(table: string, column: string): string {
  const digest = createHash('sha256').update(`${table}.${column}`).digest('hex').slice(0, 8);
  return `${table.slice(0, 24)}_${column.slice(0, 20)}_${digest}_filter`;
}

/** As unique, for the blind index of a searchable column. */
export function searchIndexName(table: string, column: string): string {
  const digest = createHash('sha256').update(`${table}.${column}`).digest('hex').slice(0, 8);
  return `${table.slice(0, 24)}_${column.slice(0, 20)}_${digest}_search`;
}

/** As unique, for the positions of rows. */
export function positionIndexName(table: string): string {
  const digest = createHash('sha256').update(table).digest('hex').slice(0, 8);
  return `${table.slice(0, 40)}_${digest}_pos`;
}

/** For a table that nobody else knows yet. */
export function positionIndexSql(table: string): string {
  const name = sqlIdentifier(positionIndexName(table));
  return `CREATE INDEX ${name} ON ${sqlIdentifier(table)} (${positionColumn})`;
}

/** Building reads the whole table; a day is "never" for an index and still ends. */
const buildTimeoutMs = 86_400_000;

export interface WantedIndexes {
  /** Text columns that are filtered by prefix. */
  readonly filters: readonly string[];
  /** Sealed columns that are searched by equality. */
  readonly searchable: readonly string[];
  /** Rows are also read by their position: chunk by chunk as they arrive. */
  readonly positions: boolean;
}

export async function buildIndexes(
  owner: Database,
  table: string,
  { filters, searchable, positions }: WantedIndexes,
): Promise<void> {
  const wanted: readonly (readonly [name: string, on: string])[] = [
    ...filters.map(
      (column) =>
        [filterIndexName(table, column), `${filterExpression(column)} text_pattern_ops`] as const,
    ),
    ...searchable.map(
      (column) =>
        [searchIndexName(table, column), sqlIdentifier(blindIndexColumn(column))] as const,
    ),
    ...(positions ? [[positionIndexName(table), positionColumn] as const] : []),
  ];
  await owner.session(
    async (session) => {
      for (const [name, on] of wanted) await buildIndex(session, table, { name, on });
      // Without statistics of the new expressions the planner may read the table in key order until a
      // page is full, which for a rare prefix is the whole table.
      if (wanted.length > 0) await session.query(`ANALYZE ${sqlIdentifier(table)}`);
    },
    { statementTimeoutMs: buildTimeoutMs },
  );
}

async function buildIndex(
  session: Session,
  table: string,
  { name, on }: { readonly name: string; readonly on: string },
): Promise<void> {
  const { rows } = await session.query<{ valid: boolean }>(
    'SELECT indisvalid AS valid FROM pg_index WHERE indexrelid = to_regclass($1)',
    [sqlIdentifier(name)],
  );
  if (rows[0]?.valid === true) return;
  if (rows[0] !== undefined) await session.query(`DROP INDEX CONCURRENTLY ${sqlIdentifier(name)}`);
  await session.query(
    `CREATE INDEX CONCURRENTLY IF NOT EXISTS ${sqlIdentifier(name)} ON ${sqlIdentifier(table)}
      (${on})`,
  );
}
