/**
 * The SQL of a verification: temporary tables that hide the real ones, and the comparison.
 *
 * Values are compared as text, because `json` has no equality. Every count is of rows; no value
 * leaves the server.
 */
import { Permanent } from '@millrace/kit/permanent';
import type { Session } from '../connectors/postgres/database.ts';
import { sqlIdentifier } from '../connectors/postgres/identifier.ts';
import { rejectsTable } from './rejects.ts';
import { positionColumn } from './target.ts';
import { basePosition } from '../rows/row-encoder.ts';

export interface ShadowedTables {
  /** Qualified names. */
  readonly real: string;
  readonly realRejects: string;
  readonly expected: string;
  readonly expectedRejects: string;
  readonly columns: readonly string[];
  readonly hasPosition: boolean;
}

export async function shadowTables(session: Session, table: string): Promise<ShadowedTables> {
  const rejects = rejectsTable(table);
  const real = await qualified(session, table);
  const realRejects = await qualified(session, rejects);
  const { rows } = await session.query<{ name: string }>(
    `SELECT attname AS name FROM pg_attribute
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [real],
  );
  const names = rows.map((row) => row.name);
  await session.query(
    `CREATE TEMPORARY TABLE ${sqlIdentifier(table)} (LIKE ${real} INCLUDING DEFAULTS INCLUDING INDEXES);
     CREATE TEMPORARY TABLE ${sqlIdentifier(rejects)} (LIKE ${realRejects} INCLUDING DEFAULTS)`,
  );
  return {
    real,
    realRejects,
    expected: `pg_temp.${sqlIdentifier(table)}`,
    expectedRejects: `pg_temp.${sqlIdentifier(rejects)}`,
    columns: names.filter((name) => name !== positionColumn),
    hasPosition: names.includes(positionColumn),
  };
}

async function qualified(session: Session, table: string): Promise<string> {
  const { rows } = await session.query<{ schema: string | null }>(
    `SELECT (SELECT nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.oid = to_regclass($1)) AS schema`,
    [sqlIdentifier(table)],
  );
  const schema = rows[0]?.schema;
  if (schema === undefined || schema === null) {
    throw new Permanent('TableMissing', `The table ${table} does not exist any more.`);
  }
  return `${sqlIdentifier(schema)}.${sqlIdentifier(table)}`;
}

export interface TableDifferences {
  /** Rows of the table that are this import’s. */
  readonly own: number;
  readonly replacedLater: number;
  readonly missing: number;
  readonly extra: number;
  readonly otherRecord: number;
  readonly otherValues: number;
  readonly rejectsMissing: number;
  readonly rejectsExtra: number;
}

export interface Comparison {
  readonly tables: ShadowedTables;
  readonly uid: string;
  readonly seq: number;
  readonly key: readonly string[];
}

const rejectColumns = 'record_offset, line, raw, column_name, reason';

export async function compareTables(
  session: Session,
  comparison: Comparison,
): Promise<TableDifferences> {
  const { tables, uid, seq } = comparison;
  const range = [basePosition(seq), basePosition(seq + 1)];
  const rows = tables.hasPosition
    ? await session.query<Record<string, string>>(rowsSql(comparison), range)
    : await session.query<Record<string, string>>(countsSql(tables));
  const rejects = await session.query<Record<string, string>>(rejectsSql(tables), [uid]);
  const of = (name: string): number => Number(rows.rows[0]?.[name] ?? 0);
  return {
    own: of('own'),
    replacedLater: of('replaced_later'),
    missing: of('missing'),
    extra: of('extra'),
    otherRecord: of('other_record'),
    otherValues: of('other_values'),
    rejectsMissing: Number(rejects.rows[0]?.['missing'] ?? 0),
    rejectsExtra: Number(rejects.rows[0]?.['extra'] ?? 0),
  };
}

/**
 * e: what the source says; a: what the table holds. Without a key, records are told apart by their
 * position. A key that an earlier import’s row holds was never this import’s (FirstWins).
 */
function rowsSql({ tables, key }: Comparison): string {
  const position = sqlIdentifier(positionColumn);
  const identity = (key.length > 0 ? key : [positionColumn]).map(sqlIdentifier);
  const isSame = identity.map((name) => `a.${name} = e.${name}`).join(' AND ');
  const differs = tables.columns
    .map(sqlIdentifier)
    .map((name) => `a.${name}::text IS DISTINCT FROM e.${name}::text`);
  const isOwn = `a.${position} >= $1::bigint AND a.${position} < $2::bigint`;
  return `
SELECT
  count(*) FILTER (WHERE ${isOwn}) AS own,
  count(*) FILTER (WHERE e.${position} IS NOT NULL AND a.${position} >= $2::bigint) AS replaced_later,
  count(*) FILTER (WHERE e.${position} IS NOT NULL AND a.${position} IS NULL) AS missing,
  count(*) FILTER (WHERE e.${position} IS NULL AND ${isOwn}) AS extra,
  count(*) FILTER (WHERE ${isOwn} AND a.${position} <> e.${position}) AS other_record,
  count(*) FILTER (WHERE a.${position} = e.${position} AND (${differs.join(' OR ')})) AS other_values
FROM ${tables.expected} e FULL JOIN ${tables.real} a ON ${isSame}`;
}

/** A keyless table without positions: only numbers can be compared, and others’ rows count too. */
function countsSql(tables: ShadowedTables): string {
  return `
SELECT e.rows AS own, 0 AS replaced_later, GREATEST(0, e.rows - a.rows) AS missing, 0 AS extra,
  0 AS other_record, 0 AS other_values
FROM (SELECT count(*) AS rows FROM ${tables.expected}) e,
  (SELECT count(*) AS rows FROM ${tables.real}) a`;
}

function rejectsSql(tables: ShadowedTables): string {
  const expected = `SELECT ${rejectColumns} FROM ${tables.expectedRejects}`;
  const real = `SELECT ${rejectColumns} FROM ${tables.realRejects} WHERE import = $1`;
  return `
SELECT (SELECT count(*) FROM (${expected} EXCEPT ALL ${real}) m) AS missing,
  (SELECT count(*) FROM (${real} EXCEPT ALL ${expected}) x) AS extra`;
}
