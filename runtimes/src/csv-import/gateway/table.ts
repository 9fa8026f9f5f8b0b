/**
 * What the gateway knows of its table: which columns it shows, which identify and order rows.
 *
 * Read from Postgres' catalogue, since an adopted table may differ from the manifest, and kept in
 * memory, so that a cached row can be served without Postgres. Before the first reading the manifest
 * stands in for it, enough for reading keys and the cache. `_millrace_pos` is never shown; of a table
 * whose columns the manifest lists, no other column is either, since an adopted table may hold some
 * that were never meant to be served.
 */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { sqlIdentifier } from '../../connectors/postgres/identifier.ts';
import type { Sql } from '../../connectors/postgres/database.ts';

export const positionColumn = '_millrace_pos';

export interface TableColumn {
  readonly name: string;
  /** As Postgres writes it in a cast, for example `timestamp with time zone`. */
  readonly type: string;
}

export interface TableShape {
  /** Columns of the answer, in table order. */
  readonly columns: readonly TableColumn[];
  /** Columns of `/{table}/{key}`; empty for a table without a key. */
  readonly key: readonly TableColumn[];
  /** Columns that order pages, unique together. */
  readonly order: readonly TableColumn[];
  /** Those of `order` that an adopted table lets be NULL: such rows have no key and no page. */
  readonly nullable: readonly string[];
  /** Whether rows say which record of which import they are. */
  readonly hasPosition: boolean;
  /** Columns that hold envelopes; never among `columns`. */
  readonly sealed: readonly string[];
  /** Those of them that rows are asked for with, ahead of what everybody sees. */
  readonly revealed?: readonly string[];
}

export interface CatalogueColumn extends TableColumn {
  readonly primary: boolean;
  readonly nullable: boolean;
}

const catalogueSql = `
SELECT a.attname AS name,
       format_type(a.atttypid, -1) AS type,
       NOT a.attnotnull AS nullable,
       coalesce(a.attnum = ANY (i.indkey), false) AS "primary"
  FROM pg_attribute a
  LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
 WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attnum`;

/** Undefined while the table does not exist, or not yet with its key columns. */
export async function readShape(
  sql: Sql,
  config: CsvImportPodConfig,
): Promise<TableShape | undefined> {
  const { rows } = await sql.query<CatalogueColumn>(catalogueSql, [
    sqlIdentifier(config.target.table),
  ]);
  return shapeOf(rows, config);
}

/** Pure: catalogue and manifest → shape. */
export function shapeOf(
  catalogue: readonly CatalogueColumn[],
  config: CsvImportPodConfig,
): TableShape | undefined {
  const key = config.target.key.flatMap((name) => catalogue.filter((found) => found.name === name));
  if (catalogue.length === 0 || key.length < config.target.key.length) return undefined;
  const shown = config.columns?.filter((column) => column.sealed !== true);
  const listed = shown && new Set(shown.map((column) => column.name));
  const columns = catalogue.filter(
    ({ name }) => name !== positionColumn && (listed === undefined || listed.has(name)),
  );
  const sealed = (config.columns ?? []).filter((column) => column.sealed === true);
  const order = orderOf(catalogue, key);
  const nullable = catalogue.filter((column) => column.nullable && order.includes(column));
  const hasPosition = catalogue.some(({ name }) => name === positionColumn);
  return {
    columns,
    key,
    order,
    nullable: nullable.map(({ name }) => name),
    hasPosition,
    sealed: sealed.map(({ name }) => name),
  };
}

/** Where a row lies in the table: unique, and stable as long as nobody updates or rewrites it. */
const physicalPlace: TableColumn = { name: 'ctid', type: 'tid' };

/**
 * Without a key, records follow their position. Rows that an adopted table had before share position
 * zero, and a table that was not altered has no positions; their place in it tells them apart.
 */
function orderOf(
  catalogue: readonly CatalogueColumn[],
  key: readonly CatalogueColumn[],
): readonly TableColumn[] {
  if (key.length > 0) return key;
  const primary = catalogue.filter((column) => column.primary);
  if (primary.length > 0) return primary;
  const position = catalogue.filter((column) => column.name === positionColumn);
  return [...position, physicalPlace];
}

const typeOfManifest: Readonly<Record<string, string>> = {
  decimal: 'numeric',
  timestamp: 'timestamp with time zone',
  json: 'jsonb',
};

/** Columns of the key as the manifest has them; every column is text where it lists none. */
export function manifestKey(config: CsvImportPodConfig): readonly TableColumn[] {
  return config.target.key.map((name) => {
    const type = config.columns?.find((column) => column.name === name)?.type ?? 'text';
    return { name, type: typeOfManifest[type] ?? type };
  });
}
