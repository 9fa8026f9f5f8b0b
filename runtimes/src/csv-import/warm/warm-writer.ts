/**
 * Writes the rows of a chunk through to the warm cache, after its commit and before its
 * acknowledgement.
 *
 *   commit → link (new generation, same era) → rows, page by page → settled → acknowledgement
 *
 * Whatever it cannot write it takes out, so that after the acknowledgement no older row of these keys
 * is read from the cache. Rows are read by their positions: those that lost their key meanwhile belong
 * to the chunk that won it. A chunk that was found done is not written again; the era is ended instead,
 * since whoever loaded it may have died half way. A chunk that nobody settled makes the coordinator end
 * the era before the import is complete.
 */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import type { Sql } from '../../connectors/postgres/database.ts';
import { sqlIdentifier } from '../../connectors/postgres/identifier.ts';
import type { RedisStore } from '../../connectors/redis/store.ts';
import { basePosition } from '../../rows/row-encoder.ts';
import { bumpGeneration, bumpOf, cachedBytesMax, freshToken } from '../cache.ts';
import { rowHash, sharedIdentity } from '../cached-row.ts';
import { chunkStatement, type PageRow } from '../gateway/sql.ts';
import { readShape, type TableShape } from '../gateway/table.ts';
import { positionIndexName } from '../load/target-indexes.ts';
import { linkScript, settleScript, writeScript } from './scripts.ts';
import { rankOf, warmStore, type WarmStore } from './warm-store.ts';

export interface WarmWriterOptions {
  readonly config: CsvImportPodConfig;
  readonly db: Sql;
  readonly redis: RedisStore;
  readonly databaseScope: string;
}

/** Called for a chunk before its acknowledgement, and for none before the import is called complete. */
export type CacheUpdate = (done?: DoneChunk) => Promise<void>;

export interface DoneChunk {
  readonly chunk: number;
  /** Loaded: by the caller, just now. Done: by somebody before. */
  readonly outcome: 'Loaded' | 'Done';
}

const pageRowsMax = 1_000;
const pageBytesMax = 1024 * 1024;
/** Another chunk may be committed between reading a page and writing it; then it is read again. */
const pageAttempts = 3;
/** Longer than any import that anybody waits for. */
const settledTtlMs = 30 * 24 * 3_600_000;

interface LoadedRange {
  readonly from: bigint;
  readonly before: string;
  /** Its keys are new to the table, so no older row of them is kept anywhere. */
  readonly isNew: boolean;
}

/** What makes the cache right after a commit, in the mode of this import. */
export function cacheUpdate(options: WarmWriterOptions): CacheUpdate {
  const { config, redis } = options;
  if (config.cache.mode === 'Warm' && config.serve.enabled) return warmUpdate(options);
  return bumpOf(config, redis);
}

function warmUpdate(options: WarmWriterOptions): CacheUpdate {
  const { config, db, redis } = options;
  const store = warmStore(config, redis);
  let shape: TableShape | undefined;
  return async (done) => {
    if (done === undefined) {
      await endUnsettledEra(options, store);
      return;
    }
    if (done.outcome === 'Loaded') shape ??= await writableShape(db, config);
    if (done.outcome === 'Done' || shape === undefined) {
      await bumpGeneration(redis, config.target.table);
    } else await writeChunk({ ...options, store, shape }, done.chunk);
    await settle(store, done.chunk);
  };
}

/** Nothing, if every chunk was seen to. */
async function endUnsettledEra(
  { config, db, redis }: WarmWriterOptions,
  store: WarmStore,
): Promise<void> {
  const { rows } = await db.query<{ chunks: string }>(
    'SELECT count(*) AS chunks FROM millrace.chunks WHERE import = $1 AND done_at IS NOT NULL',
    [config.import.uid],
  );
  const settled = await redis.countBits(store.chunksKey);
  if (settled < Number(rows[0]?.chunks)) await bumpGeneration(redis, config.target.table);
}

async function settle(store: WarmStore, chunk: number): Promise<void> {
  const use = { keys: [store.chunksKey], args: [chunk, settledTtlMs] };
  await store.redis.script('Settling a chunk', settleScript, use);
}

/** Without an index of positions each page would read the whole table. */
async function writableShape(db: Sql, config: CsvImportPodConfig): Promise<TableShape | undefined> {
  const shape = await readShape(db, config);
  if (shape === undefined || !shape.hasPosition || shape.key.length === 0) return undefined;
  const index = sqlIdentifier(positionIndexName(config.target.table));
  const { rows } = await db.query<{ found: boolean }>(
    'SELECT to_regclass($1) IS NOT NULL AS found',
    [index],
  );
  return rows[0]?.found === true ? shape : undefined;
}

interface Writing extends WarmWriterOptions {
  readonly store: WarmStore;
  readonly shape: TableShape;
}

async function writeChunk(writing: Writing, chunk: number): Promise<void> {
  const { store, db, config } = writing;
  const range = await rangeOf(db, config.import.uid, chunk);
  const era = String(
    await store.run<Buffer>(linkScript, (run) => [freshToken(), freshToken(), run]),
  );
  let after = String(range.from - 1n);
  let isRoomy = true;
  for (;;) {
    // With the budget used up, and no older rows to take out, nothing is left to do.
    if (!isRoomy && range.isNew) return;
    const page = await writePage(writing, { era, after, before: range.before, isRoomy });
    isRoomy = page.isRoomy;
    if (page.last === undefined) return;
    after = page.last;
  }
}

async function rangeOf(db: Sql, uid: string, chunk: number): Promise<LoadedRange> {
  const { rows } = await db.query<{ seq: string; offset: string; length: string; path: string }>(
    `SELECT i.seq::text AS seq, c."offset"::text AS "offset", c.length::text AS length, c.path
     FROM millrace.imports i JOIN millrace.chunks c ON c.import = i.uid
     WHERE i.uid = $1 AND c.chunk = $2`,
    [uid, chunk],
  );
  const [row] = rows;
  const from = basePosition(Number(row?.seq)) + BigInt(row?.offset ?? 0);
  return { from, before: String(from + BigInt(row?.length ?? 0)), isNew: row?.path === 'direct' };
}

interface PageRange {
  readonly era: string;
  readonly after: string;
  readonly before: string;
  readonly isRoomy: boolean;
}

interface WrittenPage {
  readonly isRoomy: boolean;
  /** Position of its last row; undefined when there is no page after it. */
  readonly last: string | undefined;
}

async function writePage(writing: Writing, page: PageRange): Promise<WrittenPage> {
  const { store, config, db } = writing;
  for (let attempt = 1; ; attempt += 1) {
    // Taken before the rows are read: a chunk that is committed after it changes it.
    const generation = (await store.redis.get(store.keys[0])) ?? '';
    const { text, values } = chunkStatement(config.target.table, shapeOf(writing, page), {
      after: page.after,
      before: page.before,
      limit: pageRowsMax,
      bytesMax: pageBytesMax,
      withKey: true,
    });
    const { rows } = await db.query<PageRow>(text, values);
    const last = rows.at(-1);
    if (last === undefined) return { isRoomy: page.isRoomy, last: undefined };
    const rest = last.found > rows.length ? last.position[0] : undefined;
    const entries = rows.flatMap((row) => entryOf(writing, page, row));
    const [isFresh, isRoomy] = await store.run<readonly [number, number]>(writeScript, (run) => [
      generation,
      run,
      page.era,
      store.ttlMs,
      store.maxBytes,
      ...entries,
    ]);
    if (isFresh === 1 || attempt === pageAttempts) {
      return { isRoomy: page.isRoomy && isRoomy === 1, last: rest };
    }
  }
}

/** With the budget used up only older rows are taken out, for which no text is needed. */
function shapeOf({ shape }: Writing, { isRoomy }: PageRange): TableShape {
  return isRoomy ? shape : { ...shape, columns: [] };
}

function entryOf(
  { config, databaseScope, shape }: Writing,
  { isRoomy }: PageRange,
  { body, position: [position = '0', ...key] }: PageRow,
): readonly string[] {
  const hash = rowHash([...sharedIdentity(config, databaseScope, shape.key), ...key]);
  const isKept = isRoomy && Buffer.byteLength(body) <= cachedBytesMax;
  return [hash, rankOf(position, config.target.onConflict), isKept ? body : ''];
}
