/**
 * The cache of rows, and the generation that makes all of a table's cached rows stale at once.
 *
 * A worker sets a fresh token after its commit and before its acknowledgement; keys of rows
 * carry the token. A reader takes the token before it reads Postgres, so a value that it read before
 * a commit can only be stored under a token that this commit's bump has replaced: an old value is
 * never refilled. The run of the Redis server is part of the key as well, since a server that came
 * back from an old snapshot or a lagging replica has forgotten bumps. Tokens are random by process, not
 * counted by the server: an emptied Redis never repeats one.
 *
 * Redis is an optimisation: any failure of it sends the reader to Postgres. Absent rows are not
 * cached: looking one up costs an index probe, while keys that nobody owns would fill the memory.
 */
import { randomBytes } from 'node:crypto';
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { Failure } from '@millrace/kit/failure';
import type { RedisScript } from '../connectors/redis/link.ts';
import type { RedisStore } from '../connectors/redis/store.ts';
import { identityHash, type LoadRow, type RowIdentity } from './cached-row.ts';
import { inOneCall } from './one-call.ts';

/** What a table's keys have in common. The braces keep them in one slot of a Redis Cluster. */
export function tablePrefix(table: string): string {
  return `millrace:{${table}}`;
}

export function generationKey(table: string): string {
  return `${tablePrefix(table)}:generation`;
}

const processToken = randomBytes(12).toString('base64url');
let tokens = 0;

/** Never repeated, not even by an emptied Redis. */
export function freshToken(): string {
  tokens += 1;
  return `${processToken}.${tokens.toString(36)}`;
}

/** Makes every cached row of the table stale. Called after the commit, before the acknowledgement. */
export async function bumpGeneration(redis: RedisStore, table: string): Promise<void> {
  await redis.set(generationKey(table), freshToken());
}

/**
 * The same for whoever changes rows of an import. One without a cache of its own does it for others that
 * serve its table from theirs, and waits for no Redis that is away: such rows are then served until
 * their lifetime ends, or until the next bump.
 */
export function bumpOf(
  { cache, target }: Pick<CsvImportPodConfig, 'cache' | 'target'>,
  redis: RedisStore,
): () => Promise<void> {
  const bump = (): Promise<void> => bumpGeneration(redis, target.table);
  return cache.mode === 'Off' ? () => bump().catch(unlessFault) : bump;
}

function unlessFault(error: unknown): void {
  if (!(error instanceof Failure) || error.family === 'Fault') throw error;
}

export type CacheOutcome = 'hit' | 'miss' | 'error';

export interface RowCacheOptions {
  readonly redis: RedisStore;
  readonly table: string;
  /** Longest life of a cached row; each gets up to a tenth less, so that they do not end together. */
  readonly ttlMs: number;
  /** Told once per read, and of a failed fill. */
  readonly observed: (outcome: CacheOutcome) => void;
}

export interface RowCache {
  /** The row's JSON text, from the cache or else from `load`. */
  read(identity: RowIdentity, load: LoadRow): Promise<string | undefined>;
  /** Whether this table was ever cached here, so that hits are possible without Postgres. */
  mayHold(): Promise<boolean>;
}

/** Larger rows are not cached: a few of them would push thousands of others out. */
export const cachedBytesMax = 512 * 1024;

/** The generation, which is made where there is none, and what each row is under it. */
const readScript: RedisScript = {
  name: 'cache read',
  lua: `
local generation = redis.call('GET', KEYS[1])
if not generation then
  generation = ARGV[1]
  redis.call('SET', KEYS[1], generation)
end
local reply = {generation}
for at = 3, #ARGV do
  reply[at - 1] = redis.call('GET', ARGV[2] .. generation .. ':' .. ARGV[at])
end
return reply`,
};

interface Found {
  readonly rowKey: string;
  readonly row: string | undefined;
}

export function openRowCache(options: RowCacheOptions): RowCache {
  const { redis, table, observed } = options;
  const rowPrefix = `${tablePrefix(table)}:row:`;
  const keys = [generationKey(table)];
  // Sent after the last of those who ask, so each of them sees every bump that came before it.
  const look = inOneCall(async (hashes): Promise<readonly Found[]> => {
    const args = [freshToken(), rowPrefix, ...hashes];
    const reply = await redis.script('Reading cached rows', readScript, { keys, args });
    const [generation, ...rows] = reply as readonly (Buffer | null)[];
    return hashes.map((hash, at) => ({
      rowKey: `${rowPrefix}${String(generation)}:${hash}`,
      row: rows[at]?.toString(),
    }));
  });
  const lookUp = async (identity: RowIdentity): Promise<Found | undefined> => {
    const run = redis.serverRun();
    if (run === undefined) return undefined;
    try {
      const found = await look(identityHash(identity, run));
      // Reconnected in between: the token may be another server's.
      return redis.serverRun() === run ? found : undefined;
    } catch {
      return undefined;
    }
  };

  // Loads in progress by row key. The key holds the generation, so that a request which comes after
  // a bump never joins a read that began before it.
  const loading = new Map<string, Promise<string | undefined>>();

  const loadAndFill = async (rowKey: string, load: LoadRow): Promise<string | undefined> => {
    const row = (await load())?.body;
    if (row !== undefined && Buffer.byteLength(row) <= cachedBytesMax) {
      const ttlMs = Math.max(1, Math.round(options.ttlMs * (1 - 0.1 * Math.random())));
      // The client need not wait for the cache, and a failed fill changes no answer.
      redis.set(rowKey, row, { ttlMs }).catch(() => observed('error'));
    }
    return row;
  };

  return {
    read: async (identity, load) => {
      const found = await lookUp(identity);
      if (found === undefined) {
        observed('error');
        return (await load())?.body;
      }
      const { rowKey, row } = found;
      observed(row === undefined ? 'miss' : 'hit');
      if (row !== undefined) return row;
      const joined = loading.get(rowKey);
      if (joined !== undefined) return await joined;
      const started = loadAndFill(rowKey, load).finally(() => loading.delete(rowKey));
      loading.set(rowKey, started);
      return await started;
    },
    mayHold: async () => (await redis.get(generationKey(table))) !== undefined,
  };
}
