/** Names, ranks and calls of the warm cache of one import; what must be one step is in scripts.ts. */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { Transient } from '@millrace/kit/transient';
import type { RedisArgument, RedisScript } from '../../connectors/redis/link.ts';
import type { RedisStore } from '../../connectors/redis/store.ts';
import { generationKey, tablePrefix } from '../cache.ts';

/** Without `cache.maxBytes`. */
export const warmBytesByDefault = 64 * 1024 * 1024;
export const rankLength = 20;

export interface WarmStore {
  readonly ttlMs: number;
  readonly maxBytes: number;
  readonly chunksKey: string;
  /** With the run of the server that answered; throws Transient when it changed meanwhile. */
  run<T>(script: RedisScript, args: (run: string) => readonly RedisArgument[]): Promise<T>;
  /** For keys of its own. */
  readonly redis: RedisStore;
  readonly keys: readonly [generation: string, era: string];
}

export function warmStore(config: CsvImportPodConfig, redis: RedisStore): WarmStore {
  const { cache, target, import: it } = config;
  const era = `${tablePrefix(target.table)}:warm:${it.uid}`;
  const keys = [generationKey(target.table), era] as const;
  return {
    ttlMs: cache.ttlMs,
    maxBytes: cache.maxBytes ?? warmBytesByDefault,
    chunksKey: `${era}:chunks`,
    redis,
    keys,
    run: async <T>(script: RedisScript, args: (run: string) => readonly RedisArgument[]) => {
      const run = redis.serverRun();
      if (run === undefined) throw serverChanged();
      const reply = await redis.script(`Running ${script.name}`, script, { keys, args: args(run) });
      // Reconnected in between: the answer may be another server's.
      if (redis.serverRun() !== run) throw serverChanged();
      return reply as T;
    },
  };
}

function serverChanged(): Transient {
  return new Transient('NotConnected', 'Redis was reconnected meanwhile.', { backend: 'redis' });
}

const positionBits = 43n;
const lowBits = (1n << positionBits) - 1n;

/**
 * Later in this order is newer: imports by when they took the table, and the records of one import by
 * which of them wins a key. As text of one length, since Lua compares numbers as doubles.
 */
export function rankOf(
  position: string,
  onConflict: CsvImportPodConfig['target']['onConflict'],
): string {
  const value = BigInt(position);
  const rank =
    onConflict === 'FirstWins' ? (value & ~lowBits) | (lowBits - (value & lowBits)) : value;
  return rank.toString().padStart(rankLength, '0');
}
