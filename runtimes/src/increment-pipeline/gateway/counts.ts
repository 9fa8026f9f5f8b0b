/**
 * `GET /counts/{key}` and `GET /counts`: the sums, and with `?fresh=true` also what is still in the
 * streams.
 *
 * Values go from the database to the answer as text, so that none is rounded. Pages are in the order
 * of the keys, which is the same for Postgres and for the text of keys; a page goes on where the
 * last one ended, so rows that come or go elsewhere neither repeat nor skip others.
 */
import type { IncrementPipelinePodConfig } from '@millrace/crds/increment-pipeline';
import type { Sql } from '../../connectors/postgres/database.ts';
import { sqlIdentifier } from '../../connectors/postgres/identifier.ts';
import { badCursor, decodeCursor, encodeCursor, queryBinding } from '../../http/cursor.ts';
import { successPage, successRow } from '../../http/envelope.ts';
import { notFound } from '../../http/request-error.ts';
import { decode, parseLimit, refuseUnknown } from '../../http/request-target.ts';
import type { HttpReply, HttpRequest } from '../../http/server.ts';
import type { Admission } from './admission.ts';
import type { Fresh, Pending } from './fresh.ts';
import { invalidKey, refuse } from './refusals.ts';
import { parseUuid, uuidText } from './uuid.ts';

export interface CountsOptions {
  readonly config: Pick<IncrementPipelinePodConfig, 'resource' | 'target'>;
  readonly reads: Sql;
  readonly fresh: Fresh;
  readonly admission: Admission;
}

export interface Counts {
  one(request: HttpRequest, segment: string): Promise<HttpReply>;
  page(request: HttpRequest): Promise<HttpReply>;
}

export interface CountRow {
  readonly key: string;
  /** Decimal text. */
  readonly value: string;
  /** RFC 3339, UTC. */
  readonly updated_at: string;
}

export const limitBounds = { byDefault: 50, max: 1_000 } as const;
const oneParameters: ReadonlySet<string> = new Set(['fresh']);
const pageParameters: ReadonlySet<string> = new Set(['fresh', 'limit', 'cursor']);
/** Before every key. */
const firstKey = '00000000-0000-0000-0000-000000000000';

const columns = `key::text AS key, value::text AS value,
  to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS updated_at`;

export function createCounts({ config, reads, fresh, admission }: CountsOptions): Counts {
  const table = sqlIdentifier(config.target.table);
  const oneSql = `SELECT ${columns} FROM ${table} WHERE key = $1`;
  const pageSql = `SELECT ${columns} FROM ${table} WHERE key > $1 ORDER BY key LIMIT $2`;

  return {
    one: async (request, segment) => {
      request.routed('count');
      await admission.client(request);
      refuseUnknown(request.target.query, oneParameters);
      const isFresh = wantsFresh(request);
      const key = parseUuid(decode(segment));
      if (key === undefined) throw invalidKey();
      await admission.key(key);
      const name = uuidText(key);
      const read = async (sql: Sql) => (await sql.query<CountRow>(oneSql, [name])).rows;
      const [row] = isFresh
        ? withPending(...(await fresh.read({ key, read }))).filter((it) => it.key === name)
        : await read(reads);
      if (row === undefined) throw notFound('There is no count for this key.');
      return { body: successRow(render(row)) };
    },
    page: async (request) => {
      request.routed('counts');
      await admission.client(request);
      const { query } = request.target;
      refuseUnknown(query, pageParameters);
      const isFresh = wantsFresh(request);
      const limit = parseLimit(query, limitBounds);
      const binding = queryBinding(['counts', config.resource.uid, config.target.table, isFresh]);
      const after = position(query.get('cursor'), binding);
      const read = async (sql: Sql) =>
        (await sql.query<CountRow>(pageSql, [after, limit + 1])).rows;
      const found = isFresh
        ? merge(await fresh.read({ read }), { after, limit })
        : await read(reads);
      const rows = found.slice(0, limit);
      const last = rows.at(-1);
      const next =
        found.length > limit && last !== undefined ? encodeCursor(binding, [last.key]) : undefined;
      return { body: successPage(rows.map(render), next) };
    },
  };
}

function wantsFresh({ target }: HttpRequest): boolean {
  const text = target.query.get('fresh');
  if (text === undefined || text === 'false') return false;
  if (text === 'true') return true;
  throw refuse('BadParameter', 'fresh must be true or false.');
}

function position(cursor: string | undefined, binding: string): string {
  if (cursor === undefined) return firstKey;
  const [key = ''] = decodeCursor(cursor, binding, 1);
  if (parseUuid(key) === undefined) throw badCursor();
  return key;
}

/**
 * The page with what is pending. Keys behind the last row of a full page need no care: so many are
 * before them that they are cut off.
 */
function merge(
  [rows, pending]: readonly [readonly CountRow[], Pending],
  { after, limit }: { readonly after: string; readonly limit: number },
): readonly CountRow[] {
  return withPending(rows, pending)
    .filter(({ key }) => key > after)
    .slice(0, limit + 1);
}

/** Every key of either side with its sum, in order. */
function withPending(rows: readonly CountRow[], pending: Pending): CountRow[] {
  const merged = new Map(rows.map((row) => [row.key, row]));
  for (const [key, { value, atMs }] of pending) {
    const row = merged.get(key);
    merged.set(key, {
      key,
      value: String(BigInt(row?.value ?? 0) + value),
      updated_at: new Date(atMs).toISOString(),
    });
  }
  return [...merged.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

function render({ key, value, updated_at: updatedAt }: CountRow): string {
  return `{"key":"${key}","value":${value},"updatedAt":"${updatedAt}"}`;
}
