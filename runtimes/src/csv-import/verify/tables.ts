/**
 * The SQL of a verification: temporary tables that hide the real ones, and the comparison.
 *
 * Values are compared as text, because `json` has no equality, and only in the columns that the
 * import loads. No value leaves the server: what comes back are counts, positions and column names.
 */
import { Permanent } from '@millrace/kit/permanent';
import type { Session } from '../../connectors/postgres/database.ts';
import { sqlIdentifier } from '../../connectors/postgres/identifier.ts';
import { basePosition, positionOffsetBits } from '../../rows/row-encoder.ts';
import type { OnConflict } from '../load/merge.ts';
import { rejectsTable } from '../load/rejects.ts';
import { positionColumn } from '../load/target.ts';

export interface ShadowedTables {
  /** Qualified names. */
  readonly real: string;
  readonly realRejects: string;
  readonly expected: string;
  readonly expectedRejects: string;
  /** The columns that are compared by the server. */
  readonly columns: readonly string[];
  readonly hasPosition: boolean;
  /** Raw bytes of rejects are sealed, and so are not compared by the server either. */
  readonly isSealed: boolean;
}

export interface LoadedColumns {
  readonly loaded: readonly string[];
  /** Of the loaded ones, those that hold envelopes and blind indexes. */
  readonly sealed: readonly string[];
}

/**
 * The copies have the indexes and checks of the real tables, so that the same records are rejected.
 * Columns that are not loaded are left out of them: their defaults would differ, or use up numbers of
 * a real sequence.
 */
export async function shadowTables(
  session: Session,
  table: string,
  { loaded, sealed }: LoadedColumns,
): Promise<ShadowedTables> {
  const rejects = rejectsTable(table);
  const real = await qualified(session, table);
  const realRejects = await qualified(session, rejects);
  const names = await columnNames(session, real);
  const expected = `pg_temp.${sqlIdentifier(table)}`;
  await session.query(
    `CREATE TEMPORARY TABLE ${sqlIdentifier(table)} (LIKE ${real} INCLUDING INDEXES INCLUDING CONSTRAINTS);
     CREATE TEMPORARY TABLE ${sqlIdentifier(rejects)} (LIKE ${realRejects} INCLUDING DEFAULTS)`,
  );
  const others = names.filter((name) => name !== positionColumn && !loaded.includes(name));
  for (const name of others)
    await session.query(`ALTER TABLE ${expected} DROP COLUMN ${sqlIdentifier(name)}`);
  return {
    real,
    realRejects,
    expected,
    expectedRejects: `pg_temp.${sqlIdentifier(rejects)}`,
    columns: names.filter((name) => loaded.includes(name) && !sealed.includes(name)),
    hasPosition: names.includes(positionColumn),
    isSealed: sealed.length > 0,
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

async function columnNames(session: Session, table: string): Promise<readonly string[]> {
  const { rows } = await session.query<{ name: string }>(
    `SELECT attname AS name FROM pg_attribute
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [table],
  );
  return rows.map((row) => row.name);
}

/** What can be wrong with a row of the table, or with a record that should be one. */
export const rowFindings = [
  'RowMissing',
  'RowExtra',
  'OtherRecord',
  'OlderRow',
  'OtherValues',
] as const;
export const rejectFindings = ['RejectMissing', 'RejectExtra'] as const;
export type Finding = (typeof rowFindings)[number] | (typeof rejectFindings)[number];

/** Where in the source the record of a finding begins. */
export interface FoundPlace {
  readonly finding: Finding;
  readonly offset: number;
  /** Columns that differ. */
  readonly columns?: readonly string[];
}

export interface TableDifferences {
  /** Rows of the table that are this import’s. */
  readonly own: number;
  readonly replacedLater: number;
  readonly counts: Readonly<Record<Finding, number>>;
  /** The first of each finding, in the order of the source. */
  readonly places: readonly FoundPlace[];
}

export interface Comparison {
  readonly tables: ShadowedTables;
  readonly uid: string;
  readonly seq: number;
  readonly key: readonly string[];
  readonly onConflict: OnConflict;
}

/** Enough to find the cause; a table that lost a million rows is not listed. */
const placesMax = 3;

export async function compareTables(
  session: Session,
  comparison: Comparison,
): Promise<TableDifferences> {
  const { tables, uid, seq } = comparison;
  // The planner knows nothing of temporary tables until it is told.
  await session.query(`ANALYZE ${tables.expected}; ANALYZE ${tables.expectedRejects}`);
  const range = [basePosition(seq), basePosition(seq + 1)];
  const rows = tables.hasPosition
    ? await session.query<Record<string, string>>(countRowsSql(comparison), range)
    : await session.query<Record<string, string>>(countOnlySql(tables));
  const rejects = await session.query<Record<string, string>>(countRejectsSql(tables), [uid]);
  const found: Readonly<Record<string, string>> = { ...rows.rows[0], ...rejects.rows[0] };
  const of = (name: string): number => Number(found[name] ?? 0);
  const counts = Object.fromEntries(
    [...rowFindings, ...rejectFindings].map((finding) => [finding, of(finding)]),
  ) as Record<Finding, number>;
  const places: FoundPlace[] = [];
  if (tables.hasPosition && rowFindings.some((finding) => counts[finding] > 0)) {
    const { rows: found } = await session.query<RawPlace>(placesSql(comparison), range);
    places.push(...found.map(placeOf));
  }
  if (rejectFindings.some((finding) => counts[finding] > 0)) {
    const { rows: found } = await session.query<RawPlace>(rejectPlacesSql(tables), [uid]);
    places.push(...found.map(placeOf));
  }
  return { own: of('own'), replacedLater: of('replaced_later'), counts, places };
}

/** The first few of each finding, in the order of the source. */
export function findingsOf(places: readonly FoundPlace[]): readonly FoundPlace[] {
  const sorted = places.toSorted((one, other) => one.offset - other.offset);
  return [...rowFindings, ...rejectFindings].flatMap((finding) =>
    sorted.filter((place) => place.finding === finding).slice(0, placesMax),
  );
}

interface RawPlace {
  readonly finding: Finding;
  readonly position: string;
  readonly columns: readonly string[] | null;
}

function placeOf({ finding, position, columns }: RawPlace): FoundPlace {
  const offset = Number(BigInt.asUintN(positionOffsetBits, BigInt(position)));
  const isNamed = columns !== null && columns.length > 0;
  return { finding, offset, ...(isNamed ? { columns } : {}) };
}

interface JoinSql {
  readonly from: string;
  readonly isOwn: string;
  /** Names the finding of a pair, NULL if there is none. */
  readonly finding: string;
}

/**
 * e: what the source says; a: what the table holds. Without a key, records are told apart by their
 * position. Under FirstWins, a key that an earlier import’s row holds was never this import’s.
 */
function joinSql({ tables, key, onConflict }: Comparison): JoinSql {
  const position = sqlIdentifier(positionColumn);
  const identity = (key.length > 0 ? key : [positionColumn]).map(sqlIdentifier);
  const isSame = identity.map((name) => `a.${name} = e.${name}`).join(' AND ');
  const isOwn = `a.${position} >= $1::bigint AND a.${position} < $2::bigint`;
  const older =
    onConflict === 'LatestWins' ? `WHEN a.${position} < $1::bigint THEN 'OlderRow'` : '';
  const differs = tables.columns.map((name) => differSql(name)).join(' OR ') || 'false';
  return {
    from: `${tables.expected} e FULL JOIN ${tables.real} a ON ${isSame}`,
    isOwn,
    finding: `CASE
      WHEN e.${position} IS NULL THEN CASE WHEN ${isOwn} THEN 'RowExtra' END
      WHEN a.${position} IS NULL THEN 'RowMissing'
      WHEN a.${position} = e.${position} THEN CASE WHEN ${differs} THEN 'OtherValues' END
      WHEN ${isOwn} THEN 'OtherRecord'
      ${older}
    END`,
  };
}

function differSql(column: string): string {
  const name = sqlIdentifier(column);
  return `a.${name}::text IS DISTINCT FROM e.${name}::text`;
}

function countRowsSql(comparison: Comparison): string {
  const { from, isOwn, finding } = joinSql(comparison);
  const position = sqlIdentifier(positionColumn);
  const counts = rowFindings.map(
    (name) => `count(*) FILTER (WHERE finding = '${name}') AS "${name}"`,
  );
  return `
SELECT count(*) FILTER (WHERE is_own) AS own, count(*) FILTER (WHERE is_later) AS replaced_later,
  ${counts.join(', ')}
FROM (SELECT ${isOwn} AS is_own, e.${position} IS NOT NULL AND a.${position} >= $2::bigint AS is_later,
  ${finding} AS finding FROM ${from}) pairs`;
}

/** A keyless table without positions: only numbers can be compared, and others’ rows count too. */
function countOnlySql(tables: ShadowedTables): string {
  return `
SELECT e.rows AS own, GREATEST(0, e.rows - a.rows) AS "RowMissing"
FROM (SELECT count(*) AS rows FROM ${tables.expected}) e,
  (SELECT count(*) AS rows FROM ${tables.real}) a`;
}

function placesSql(comparison: Comparison): string {
  const { from, finding } = joinSql(comparison);
  const position = sqlIdentifier(positionColumn);
  const named = comparison.tables.columns.map(
    (name) => `CASE WHEN ${differSql(name)} THEN '${name.replaceAll("'", "''")}' END`,
  );
  return placesOf(`SELECT finding, position, columns FROM (
    SELECT ${finding} AS finding, coalesce(e.${position}, a.${position}) AS position,
      CASE WHEN a.${position} = e.${position}
        THEN array_remove(ARRAY[${named.join(', ')}]::text[], NULL) END AS columns
    FROM ${from}) pairs WHERE finding IS NOT NULL`);
}

function placesOf(findings: string): string {
  return `
SELECT finding, position, columns FROM (
  SELECT *, row_number() OVER (PARTITION BY finding ORDER BY position) AS place FROM (${findings}) f
) ranked WHERE place <= ${placesMax} ORDER BY finding, position`;
}

const rejectColumns = 'record_offset, line, raw_truncated, column_name, reason';

function rejectDifferences(tables: ShadowedTables): readonly [missing: string, extra: string] {
  const columns = tables.isSealed ? rejectColumns : `${rejectColumns}, raw`;
  const expected = `SELECT ${columns} FROM ${tables.expectedRejects}`;
  const real = `SELECT ${columns} FROM ${tables.realRejects} WHERE import = $1`;
  return [`(${expected} EXCEPT ALL ${real})`, `(${real} EXCEPT ALL ${expected})`];
}

function countRejectsSql(tables: ShadowedTables): string {
  const [missing, extra] = rejectDifferences(tables);
  return `SELECT (SELECT count(*) FROM ${missing} m) AS "RejectMissing",
  (SELECT count(*) FROM ${extra} x) AS "RejectExtra"`;
}

function rejectPlacesSql(tables: ShadowedTables): string {
  const [missing, extra] = rejectDifferences(tables);
  const columns = 'record_offset AS position, NULL::text[] AS columns';
  return placesOf(`SELECT 'RejectMissing' AS finding, ${columns} FROM ${missing} m
    UNION ALL SELECT 'RejectExtra', ${columns} FROM ${extra} x`);
}
