/**
 * The row cache as gateways see it in the mode Warm: workers write rows through, so that they are hits
 * before anybody has asked for them and stay so while other chunks are loaded.
 *
 * A row that a reader finds in Postgres is kept only if nothing was committed to the table since the
 * reader looked at the generation, so an old value is never put back; and only under the spelling of
 * its key that the database uses, which is the one that workers write through. Any failure of Redis
 * sends the reader to Postgres.
 */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import type { RedisStore } from '../../connectors/redis/store.ts';
import {
  cachedBytesMax,
  freshToken,
  generationKey,
  type CacheOutcome,
  type RowCache,
} from '../cache.ts';
import { identityHash, type LoadedRow, type LoadRow } from '../cached-row.ts';
import { inOneCall } from '../one-call.ts';
import { fillScript, readScript } from './scripts.ts';
import { rankLength, rankOf, warmStore } from './warm-store.ts';

export interface WarmCacheOptions {
  readonly config: CsvImportPodConfig;
  readonly redis: RedisStore;
  /** Told once per read, and of a failed fill. */
  readonly observed: (outcome: CacheOutcome) => void;
}

interface Found {
  readonly generation: string;
  readonly body: string | undefined;
}

export function openWarmCache({ config, redis, observed }: WarmCacheOptions): RowCache {
  const store = warmStore(config, redis);
  const { table, onConflict } = config.target;

  const look = inOneCall(async (hashes): Promise<readonly Found[]> => {
    const reply = await store.run<readonly Buffer[]>(readScript, (run) => [run, ...hashes]);
    const [generation = '', ...rows] = reply.map(String);
    return rows.map((row) => ({
      generation,
      body: row === '' ? undefined : row.slice(rankLength),
    }));
  });
  const fill = async (generation: string, hash: string, row: LoadedRow): Promise<void> => {
    const rank = rankOf(row.position ?? '0', onConflict);
    await store.run(fillScript, (run) => [
      generation,
      run,
      freshToken(),
      freshToken(),
      store.ttlMs,
      store.maxBytes,
      hash,
      rank,
      row.body,
    ]);
  };

  // By generation as well: who comes after a commit never joins a read that began before it.
  const loading = new Map<string, Promise<string | undefined>>();
  const loadAndFill = async (
    { generation }: Found,
    { hash, key }: { readonly hash: string; readonly key: readonly string[] },
    load: LoadRow,
  ): Promise<string | undefined> => {
    const row = await load();
    if (row === undefined) return undefined;
    const isItsSpelling = JSON.stringify(row.key) === JSON.stringify(key);
    if (isItsSpelling && Buffer.byteLength(row.body) <= cachedBytesMax) {
      // The client need not wait for the cache, and a failed fill changes no answer.
      fill(generation, hash, row).catch(() => observed('error'));
    }
    return row.body;
  };

  return {
    read: async (identity, load) => {
      const { key } = identity;
      const hash = identityHash(identity);
      const found = await look(hash).catch(() => undefined);
      if (found === undefined) {
        observed('error');
        return (await load())?.body;
      }
      observed(found.body === undefined ? 'miss' : 'hit');
      if (found.body !== undefined) return found.body;
      const name = `${found.generation} ${hash}`;
      const joined = loading.get(name);
      if (joined !== undefined) return await joined;
      const started = loadAndFill(found, { hash, key }, load).finally(() => loading.delete(name));
      loading.set(name, started);
      return await started;
    },
    mayHold: async () => (await redis.get(generationKey(table))) !== undefined,
  };
}
