/**
 * The target as the load sees it: which columns it has, of which types, and what its key rests on.
 *
 * A table Millrace did not create is described and never altered unless `adopt` is set. Every
 * mismatch is found here, before a row is loaded, and says what is there and what was expected,
 * because found later it would reject every record.
 */
import { Permanent } from '@millrace/kit/permanent';
import type { Sql } from '../../connectors/postgres/database.ts';
import { sqlIdentifier } from '../../connectors/postgres/identifier.ts';
import type { ColumnType } from '../../rows/column-encoder.ts';

export const positionColumn = '_millrace_pos';

/** The first server version that can return a row as it was before an update. */
export const returnsOldRows = 180_000;

/** Sealed values and their blind indexes are bytes, whatever the type of what they hide. */
export type StoredType = ColumnType | 'bytea';

export interface TargetColumn {
  readonly name: string;
  readonly type: StoredType;
  /** The type in the table, as Postgres writes it. */
  readonly sqlType: string;
  /** The same with its collation: what a column must be to be compared with it. */
  readonly stageType: string;
  /** Digits after the point that a numeric keeps; undefined keeps all. */
  readonly scale?: number;
}

export interface Target {
  readonly table: string;
  readonly columns: readonly TargetColumn[];
  readonly key: readonly string[];
  readonly hasPosition: boolean;
  /** Equal bytes mean equal keys and the reverse; not so for nondeterministic collations. */
  readonly isKeyExact: boolean;
  /** As in `server_version_num`. */
  readonly serverVersion: number;
}

export interface TargetSpec {
  readonly table: string;
  readonly columns: readonly { readonly name: string; readonly type: StoredType }[];
  readonly key: readonly string[];
}

/** What a created table gets. `json` keeps what the file says; `jsonb` would drop repeated names. */
export const createdTypes: Readonly<Record<StoredType, string>> = {
  text: 'text',
  integer: 'integer',
  bigint: 'bigint',
  decimal: 'numeric',
  boolean: 'boolean',
  date: 'date',
  timestamp: 'timestamp with time zone',
  uuid: 'uuid',
  json: 'json',
  bytea: 'bytea',
};

/** Types of existing columns that take a value exactly, without its modifiers. */
const acceptedTypes: Readonly<Record<StoredType, readonly string[]>> = {
  text: ['text', 'character varying'],
  integer: ['integer'],
  bigint: ['bigint'],
  decimal: ['numeric'],
  boolean: ['boolean'],
  date: ['date'],
  timestamp: ['timestamp with time zone'],
  uuid: ['uuid'],
  json: ['json', 'jsonb'],
  bytea: ['bytea'],
};

interface Found {
  readonly name: string;
  readonly base_type: string;
  readonly sql_type: string;
  readonly modifier: number;
  readonly collation: string | null;
  readonly is_exact: boolean;
  readonly is_required: boolean;
  readonly is_generated: boolean;
}

/** Describes the table, or throws TargetMismatch; undefined if there is none. */
export async function describeTarget(sql: Sql, spec: TargetSpec): Promise<Target | undefined> {
  const { rows } = await sql.query<{ kind: string | null; version: number }>(
    `SELECT (SELECT relkind::text FROM pg_class WHERE oid = to_regclass($1)) AS kind,
      current_setting('server_version_num')::int AS version`,
    [sqlIdentifier(spec.table)],
  );
  const table = rows[0];
  if (table === undefined || table.kind === null) return undefined;
  if (!isLoadable(table.kind, table.version)) {
    throw mismatch(spec, 'is no plain table: load into one, or choose another name');
  }
  const found = await readColumns(sql, spec.table);
  checkOtherColumns(spec, found);
  const columns = spec.columns.map((column) => targetColumn(spec, column, found));
  const position = found.find((column) => column.name === positionColumn);
  if (position !== undefined && position.base_type !== 'bigint') {
    throw mismatch(spec, `has ${positionColumn} of type ${position.sql_type} instead of bigint`);
  }
  if (spec.key.length > 0 && !(await hasUniqueIndex(sql, spec))) {
    throw mismatch(
      spec,
      `has no primary key or unique index on exactly (${spec.key.join(', ')}): create one, or change target.key`,
    );
  }
  return {
    table: spec.table,
    columns,
    key: spec.key,
    hasPosition: position !== undefined,
    isKeyExact: found.every((column) => column.is_exact || !spec.key.includes(column.name)),
    serverVersion: table.version,
  };
}

/** Before version 18 nothing tells an inserted row of a partitioned table from an updated one. */
function isLoadable(kind: string, version: number): boolean {
  return kind === 'r' || (kind === 'p' && version >= returnsOldRows);
}

export function mismatch(spec: { readonly table: string }, what: string): Permanent {
  return new Permanent('TargetMismatch', `The table ${spec.table} ${what}.`);
}

async function readColumns(sql: Sql, table: string): Promise<readonly Found[]> {
  const { rows } = await sql.query<Found>(
    `SELECT attname AS name, format_type(atttypid, NULL) AS base_type,
      format_type(atttypid, atttypmod) AS sql_type, atttypmod AS modifier,
      CASE WHEN collname <> 'default'
        THEN collnamespace::regnamespace::text || '.' || quote_ident(collname) END AS collation,
      coalesce(collisdeterministic, true) AS is_exact,
      attnotnull AND NOT atthasdef AND attidentity = '' AS is_required,
      attgenerated <> '' OR attidentity = 'a' AS is_generated
    FROM pg_attribute LEFT JOIN pg_collation ON pg_collation.oid = attcollation
    WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [sqlIdentifier(table)],
  );
  return rows;
}

function checkOtherColumns(spec: TargetSpec, found: readonly Found[]): void {
  const listed = new Set(spec.columns.map((column) => column.name));
  const required = found.find(
    (column) => column.is_required && !listed.has(column.name) && column.name !== positionColumn,
  );
  if (required === undefined) return;
  throw mismatch(
    spec,
    `has the column ${required.name}, which is NOT NULL without a default and not loaded: list it in columns, or give it a default`,
  );
}

function targetColumn(
  spec: TargetSpec,
  column: TargetSpec['columns'][number],
  found: readonly Found[],
): TargetColumn {
  const { name, type } = column;
  const existing = found.find((candidate) => candidate.name === name);
  if (existing === undefined) {
    throw mismatch(
      spec,
      `has no column ${name}: add it as ${createdTypes[type]}, or load into another table`,
    );
  }
  if (existing.is_generated) {
    throw mismatch(spec, `computes the column ${name} itself: remove it from columns`);
  }
  // A precision on timestamps would round; there is no way to refuse only what it would change.
  const isRounded = type === 'timestamp' && existing.modifier !== -1;
  if (!acceptedTypes[type].includes(existing.base_type) || isRounded) {
    throw mismatch(
      spec,
      `has the column ${name} of type ${existing.sql_type}, and ${type === 'bytea' ? 'a sealed column' : `columns.${name}.type`} is ${type} (${acceptedTypes[type].join(' or ')}): change one of them`,
    );
  }
  const scale = scaleOf(existing);
  const { sql_type: sqlType, collation } = existing;
  const stageType = collation === null ? sqlType : `${sqlType} COLLATE ${collation}`;
  return { name, type, sqlType, stageType, ...(scale === undefined ? {} : { scale }) };
}

/** The scale of `numeric(p, s)`; a negative one (Postgres 15) rounds integers and is refused later. */
function scaleOf(column: Found): number | undefined {
  if (column.base_type !== 'numeric' || column.modifier === -1) return undefined;
  const scale = /,(-?\d+)\)$/.exec(column.sql_type)?.[1];
  return Math.max(0, Number(scale ?? '0'));
}

async function hasUniqueIndex(sql: Sql, spec: TargetSpec): Promise<boolean> {
  const { rowCount } = await sql.query(
    `SELECT FROM pg_index WHERE indrelid = to_regclass($1)
      AND indisunique AND indimmediate AND indisvalid AND indpred IS NULL AND indexprs IS NULL
      AND (SELECT array_agg(attname::text ORDER BY attname::text) FROM pg_attribute
        WHERE attrelid = indrelid AND attnum = ANY ((indkey::int2[])[0:indnkeyatts - 1]))
        = (SELECT array_agg(name ORDER BY name) FROM unnest($2::text[]) AS name)`,
    [sqlIdentifier(spec.table), spec.key],
  );
  return rowCount > 0;
}
