/**
 * From a request target to the answer: `/{table}` is a page, `/{table}/{key}` a row.
 *
 * A row is looked up in the cache first and costs Postgres nothing on a hit, even when Postgres is
 * away. What cannot be known is never answered with 404: that says the row does not exist, and is
 * only said by Postgres itself. `events` and `sse` are endpoints under a table, `limit` and `cursor` may
 * become some; a row whose key is spelt so, or is empty, is asked for with `?key=1`.
 */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { Permanent } from '@millrace/kit/permanent';
import { Transient } from '@millrace/kit/transient';
import { DataError } from '../../connectors/postgres/data-error.ts';
import type { Sql } from '../../connectors/postgres/database.ts';
import { badCursor, decodeCursor, encodeCursor, queryBinding } from '../../http/cursor.ts';
import { successPage, successRow } from '../../http/envelope.ts';
import { badRequest, notFound } from '../../http/request-error.ts';
import { decode, parseLimit, refuseUnknown } from '../../http/request-target.ts';
import type { HttpReply, HttpRequest } from '../../http/server.ts';
import type { RowCache } from '../cache.ts';
import { sharedIdentity, type LoadedRow, type LoadRow, type RowIdentity } from '../cached-row.ts';
import type { AnswerEvents } from '../events/events.ts';
import type { Health } from './health.ts';
import { parseKey, refusedKey } from './key.ts';
import type { SealedColumns } from './sealed.ts';
import { pageStatement, rowStatement, type PageRow, type Statement } from './sql.ts';
import { manifestKey, type TableColumn, type TableShape } from './table.ts';

export interface AnswersOptions {
  readonly config: CsvImportPodConfig;
  readonly reads: Sql;
  readonly cache: RowCache | undefined;
  readonly health: Health;
  /** Names the database, so that equal tables of two databases never share cached rows. */
  readonly databaseScope: string;
  readonly events: AnswerEvents;
  /** Where a column is sealed. */
  readonly sealed?: SealedColumns | undefined;
  /** Where requests are counted by key. */
  readonly countKey?: ((key: string) => Promise<void>) | undefined;
}

/** `mayReveal`: the caller may see what sealed columns hold. */
export type Answers = (
  request: HttpRequest,
  caller: { readonly mayReveal: boolean },
) => Promise<HttpReply>;

export const limitBounds = { byDefault: 50, max: 1_000 } as const;
const eventNames: ReadonlySet<string> = new Set(['events', 'sse']);
const reservedNames: ReadonlySet<string> = new Set([...eventNames, 'limit', 'cursor', '']);
const rowParameters: ReadonlySet<string> = new Set(['key']);

export function createAnswers(given: AnswersOptions): Answers {
  const options = { ...given, identity: identities(given) };
  const { table } = given.config.target;
  return async (request, { mayReveal }) => {
    const { target, routed } = request;
    const [first = '', key, ...rest] = target.segments;
    if (decode(first) !== table || rest.length > 0) {
      throw notFound(`Nothing is served here; rows are at /${table} and /${table}/{key}.`);
    }
    if (key !== undefined && eventNames.has(decode(key)) && !target.query.has('key')) {
      routed('events');
      return options.events(request);
    }
    routed(key === undefined ? 'list' : 'row');
    const revealed = mayReveal ? options.sealed : undefined;
    const asked = { query: target.query, revealed };
    const body = key === undefined ? await page(options, asked) : await row(options, key, asked);
    return { body };
  };
}

interface Answering extends AnswersOptions {
  readonly identity: IdentityOf;
}

type Shared = RowIdentity['shared'];
type IdentityOf = (key: readonly TableColumn[], shows: 'open' | 'revealed') => Shared;

/** The same array for every row as long as the table's key is the same: caches write it out once. */
function identities({ config, databaseScope }: AnswersOptions): IdentityOf {
  let known:
    | { readonly key: readonly TableColumn[]; readonly open: Shared; readonly revealed: Shared }
    | undefined;
  return (key, shows) => {
    if (known?.key !== key) {
      const open = sharedIdentity(config, databaseScope, key);
      known = { key, open, revealed: [...open, 'revealed'] };
    }
    return known[shows];
  };
}

interface Asked {
  readonly query: ReadonlyMap<string, string>;
  /** Given where sealed columns are to be opened for the caller. */
  readonly revealed: SealedColumns | undefined;
}

async function row(
  options: Answering,
  segment: string,
  { query, revealed }: Asked,
): Promise<string> {
  const { config, health, cache } = options;
  refuseReserved(segment, query);
  const keyColumns = health.shape()?.key ?? manifestKey(config);
  const key = parseKey(segment, keyColumns);
  if (options.countKey !== undefined) await options.countKey(JSON.stringify(key));
  const load = async (): Promise<LoadedRow | undefined> => {
    const shape = shownShape(health, revealed);
    try {
      const statement = rowStatement(config.target.table, shape, key);
      return (await ask<LoadedRow>(options, statement)).rows[0];
    } catch (error) {
      throw error instanceof DataError ? refusedKey(shape.key, error) : error;
    }
  };
  const isOpen = revealed === undefined;
  const shared = options.identity(keyColumns, isOpen ? 'open' : 'revealed');
  const body = await cachedBody(isOpen ? cache : envelopeCache(options), { shared, key }, load);
  if (body === undefined) throw notFound('There is no row with this key.');
  const [opened] = revealed === undefined ? [body] : await revealed.reveal([body]);
  return successRow(opened ?? body);
}

function refuseReserved(segment: string, query: Asked['query']): void {
  refuseUnknown(query, rowParameters);
  const asKey = query.get('key');
  if (asKey !== undefined && asKey !== '1') {
    throw badRequest('BadParameter', 'key can only be 1: take the last path segment as a key.');
  }
  if (asKey === undefined && reservedNames.has(decode(segment))) {
    throw notFound('This name is reserved; add ?key=1 to ask for the row that has it as its key.');
  }
}

async function cachedBody(
  cache: RowCache | undefined,
  identity: RowIdentity,
  load: LoadRow,
): Promise<string | undefined> {
  return cache === undefined ? (await load())?.body : await cache.read(identity, load);
}

/**
 * Of what is revealed the cache holds envelopes, and never for those who may not open them. A warm cache
 * holds none: workers write no such rows, so it could not tell when they are stale.
 */
function envelopeCache({ config, cache }: AnswersOptions): RowCache | undefined {
  return config.cache.mode === 'Warm' ? undefined : cache;
}

async function page(options: AnswersOptions, { query, revealed }: Asked): Promise<string> {
  const { config, health } = options;
  const { table } = config.target;
  const searchable = options.sealed?.searchable ?? [];
  refuseUnknown(query, new Set(['limit', 'cursor', ...config.serve.filters, ...searchable]));
  const limit = parseLimit(query, limitBounds);
  const filters = config.serve.filters.flatMap((column) => {
    const prefix = query.get(column);
    return prefix === undefined || searchable.includes(column) ? [] : [[column, prefix] as const];
  });
  const equals = equalities(options.sealed, query);
  const shape = shownShape(health, revealed);
  const digests = equals.map(([column, [digest]]) => [column, digest?.toString('base64')]);
  const binding = queryBinding([
    options.databaseScope,
    table,
    shape.order,
    filters,
    ...(digests.length === 0 ? [] : [digests]),
  ]);
  const cursor = query.get('cursor');
  const after =
    cursor === undefined ? undefined : decodeCursor(cursor, binding, shape.order.length);
  const rows = await readPage(
    options,
    pageStatement(table, shape, { limit, filters, equals, after }),
  );
  const last = rows.at(-1);
  const hasMore = last !== undefined && last.found > rows.length;
  const bodies = rows.map(({ body }) => body);
  return successPage(
    revealed === undefined ? bodies : await revealed.reveal(bodies),
    hasMore ? encodeCursor(binding, last.position) : undefined,
  );
}

const pagingNames: ReadonlySet<string> = new Set(['limit', 'cursor']);

/** What the query asks of searchable columns: one of these digests each. */
function equalities(
  sealed: SealedColumns | undefined,
  query: ReadonlyMap<string, string>,
): readonly (readonly [column: string, digests: readonly Buffer[]])[] {
  return (sealed?.searchable ?? []).flatMap((column) => {
    const value = pagingNames.has(column) ? undefined : query.get(column);
    return value === undefined || sealed === undefined
      ? []
      : [[column, sealed.digests(column, value)] as const];
  });
}

async function readPage(options: AnswersOptions, statement: Statement): Promise<PageRow[]> {
  try {
    return (await ask<PageRow>(options, statement)).rows;
  } catch (error) {
    // The cursor's values are the only ones that are cast; a filter is text as it is.
    throw error instanceof DataError ? badCursor(error) : error;
  }
}

function shownShape(health: Health, revealed: SealedColumns | undefined): TableShape {
  const shape = knownShape(health);
  return revealed === undefined ? shape : { ...shape, revealed: shape.sealed };
}

function knownShape(health: Health): TableShape {
  const shape = health.shape();
  if (shape !== undefined) return shape;
  if (health.isTableMissing()) throw notLoadedYet();
  throw new Transient('NotAskedYet', 'The table has not been read yet.', { backend: 'postgres' });
}

function notLoadedYet(cause?: unknown): Transient {
  return new Transient('NotLoadedYet', 'The table does not exist yet; its import has not begun.', {
    retryAfterMs: 2_000,
    cause,
  });
}

async function ask<R extends object>(
  { reads, health }: AnswersOptions,
  { text, values }: Statement,
): ReturnType<typeof reads.query<R>> {
  try {
    return await reads.query<R>(text, values);
  } catch (error) {
    if (error instanceof Transient && error.code === 'SchemaMissing') throw notLoadedYet(error);
    if (error instanceof Permanent && error.code.startsWith('Schema:')) {
      // The table was altered since its catalogue was read; the next request finds the new shape.
      await health.probe();
      throw new Transient('TableChanged', 'The table was altered just now. Try again.', {
        cause: error,
      });
    }
    throw error;
  }
}
