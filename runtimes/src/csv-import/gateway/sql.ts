/**
 * The gateway's statements: one row by key, one page by keyset, one page of a chunk by position.
 *
 * Rows are rendered to JSON text by Postgres, so that no number passes through JavaScript. Values are
 * always parameters; identifiers come from the catalogue or the manifest and are quoted. A page costs
 * what its rows cost, wherever it starts: the condition on the order columns is an index range, and a
 * filter is a range of the index on `lower(left(column, 64))`.
 */
import { sqlIdentifier } from '../../connectors/postgres/identifier.ts';
import { blindIndexColumn } from '../../sealing/blind-index.ts';
import { sealedLineSql } from './sealed.ts';
import { positionColumn, type TableShape } from './table.ts';

export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

export interface PageQuery {
  readonly limit: number;
  /** Prefixes by column, in any spelling of case. */
  readonly filters: readonly (readonly [column: string, prefix: string])[];
  /** What a blind index may be, by the column it is of. */
  readonly equals?: readonly (readonly [column: string, digests: readonly Buffer[]])[];
  /** Values of the order columns of the last row seen. */
  readonly after: readonly string[] | undefined;
  /** Default `pageBytesMax`. */
  readonly bytesMax?: number;
  readonly wideRow?: WideRow;
}

/**
 * What becomes of a first row that is larger than the page by itself: it is given, or its text is left
 * out for who must know its size before it is in memory.
 */
export type WideRow = 'Given' | 'Measured';

/** Rows of one chunk: those whose position is between two, both excluded. */
export interface ChunkQuery {
  readonly limit: number;
  readonly after: string;
  readonly before: string;
  readonly bytesMax: number;
  /** After the position come the values of the row's key. */
  readonly withKey?: boolean;
  readonly wideRow?: WideRow;
}

export interface PageRow {
  readonly body: string;
  /** Rows found before the byte limit cut the page, one more than `limit` when there are more. */
  readonly found: number;
  readonly position: readonly string[];
}

/** With `Measured`. */
export interface MeasuredRow extends Omit<PageRow, 'body'> {
  /** Null: larger than the page. */
  readonly body: string | null;
  /** Of this row and those before it. */
  readonly bytes: number;
}

/** Of rows that together are larger, a page holds fewer than its limit; it always holds one. */
export const pageBytesMax = 4 * 1024 * 1024;

/** Characters that filter indexes cover; a longer prefix is checked against the whole value. */
export const indexedCharacters = 64;

export function rowStatement(table: string, shape: TableShape, key: readonly string[]): Statement {
  const conditions = shape.key.map(
    (column, index) => `t.${sqlIdentifier(column.name)} = $${index + 1}::${column.type}`,
  );
  const keys = shape.key.map((column) => `t.${sqlIdentifier(column.name)}::text`);
  const position = shape.hasPosition ? `t.${sqlIdentifier(positionColumn)}::text` : 'NULL';
  return {
    text: `SELECT ${rendered('t', shape)} AS body, ARRAY[${keys.join(', ')}] AS key, ${position} AS position
  FROM ${sqlIdentifier(table)} t
 WHERE ${conditions.join(' AND ')} LIMIT 1`,
    values: key,
  };
}

/** One page of the table, in its order. */
export function pageStatement(table: string, shape: TableShape, query: PageQuery): Statement {
  const values: unknown[] = [];
  const bind = (value: unknown): string => `$${values.push(value)}`;
  const order = shape.order.map((column) => `t.${sqlIdentifier(column.name)}`);
  const conditions = query.filters.flatMap(([column, prefix]) =>
    prefixConditions(column, prefix, bind),
  );
  for (const [column, digests] of query.equals ?? []) {
    const name = sqlIdentifier(blindIndexColumn(column));
    conditions.push(`t.${name} = ANY (${bind(digests)}::bytea[])`);
  }
  for (const name of shape.nullable) conditions.push(`t.${sqlIdentifier(name)} IS NOT NULL`);
  if (query.after !== undefined) {
    const after = query.after.map((value, index) => `${bind(value)}::${shape.order[index]?.type}`);
    conditions.push(`(${order.join(', ')}) > (${after.join(', ')})`);
  }
  const { limit, bytesMax = pageBytesMax, wideRow } = query;
  const text = cutSql(table, shape, { order, conditions, bind, limit, bytesMax, wideRow });
  return { text, values };
}

/** A page of one chunk, in the order of its records. */
export function chunkStatement(table: string, shape: TableShape, query: ChunkQuery): Statement {
  const { limit, bytesMax, wideRow } = query;
  const values: unknown[] = [];
  const bind = (value: unknown): string => `$${values.push(value)}`;
  const position = `t.${sqlIdentifier(positionColumn)}`;
  const conditions = [
    `${position} > ${bind(query.after)}::bigint`,
    `${position} < ${bind(query.before)}::bigint`,
  ];
  // A position is one row's alone, so more columns change nothing about the order.
  const key = query.withKey === true ? shape.key.map(({ name }) => `t.${sqlIdentifier(name)}`) : [];
  const order = [position, ...key];
  const text = cutSql(table, shape, { order, conditions, bind, limit, bytesMax, wideRow });
  return { text, values };
}

interface Cut {
  readonly order: readonly string[];
  readonly conditions: readonly string[];
  readonly bind: (value: unknown) => string;
  readonly limit: number;
  readonly bytesMax: number;
  readonly wideRow: WideRow | undefined;
}

/**
 * From the inside: the page's rows in order; their text; the text cut off at the byte limit, by a
 * running sum that follows the order of the rows and so needs no sort of its own.
 */
function cutSql(table: string, shape: TableShape, cut: Cut): string {
  const { order, conditions, bind, limit, bytesMax, wideRow } = cut;
  const body =
    wideRow === 'Measured'
      ? `CASE WHEN bytes <= ${bytesMax} THEN body END AS body, bytes::int AS bytes`
      : 'body';
  const sorted = order.map((_, index) => `"Order${index}"`).join(', ');
  return `SELECT ${body}, found::int AS found,
       ARRAY[${order.map((_, index) => `"Order${index}"::text`).join(', ')}] AS position
  FROM (SELECT b.*, count(*) OVER () AS found,
               row_number() OVER byrow AS place,
               sum(octet_length(body)) OVER byrow AS bytes
          FROM (SELECT ${rendered('p', shape)} AS body, ${sorted}
                  FROM (SELECT t.*, ${order.map((column, index) => `${column} AS "Order${index}"`).join(', ')}
                          FROM ${sqlIdentifier(table)} t
                         ${conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`}
                         ORDER BY ${order.join(', ')} LIMIT ${bind(limit + 1)}) p) b
        WINDOW byrow AS (ORDER BY ${sorted} ROWS UNBOUNDED PRECEDING)) cut
 WHERE place <= ${bind(limit)} AND (place = 1 OR bytes <= ${bytesMax})
 ORDER BY place`;
}

/** A row as JSON text; `json_build_object` takes at most 50 columns, this takes any number. */
function rendered(alias: string, shape: TableShape): string {
  const columns = shape.columns.map((column) => `${alias}.${sqlIdentifier(column.name)}`);
  const open = `(SELECT row_to_json(r)::text FROM (SELECT ${columns.join(', ')}) r)`;
  const { key, revealed = [] } = shape;
  if (revealed.length === 0) return open;
  return `${sealedLineSql(alias, { key, revealed })} || E'\\n' || ${open}`;
}

function prefixConditions(
  column: string,
  prefix: string,
  bind: (value: unknown) => string,
): string[] {
  const parameter = `${bind(prefix)}::text`;
  const name = `t.${sqlIdentifier(column)}`;
  const indexed = `lower(left(${name}::text, ${indexedCharacters})) LIKE ${pattern(`left(${parameter}, ${indexedCharacters})`)}`;
  // Checked only where the index cannot tell: a second condition on the same column would make the
  // planner multiply both selectivities and sort what it should have streamed.
  const isLong = Array.from(prefix).length > indexedCharacters;
  return isLong ? [indexed, `lower(${name}::text) LIKE ${pattern(parameter)}`] : [indexed];
}

/** A LIKE pattern whose text is literal; folded to a constant by the planner, which then uses the index. */
function pattern(text: string): string {
  return `(replace(replace(replace(lower(${text}), '\\', '\\\\'), '%', '\\%'), '_', '\\_') || '%')`;
}
