/**
 * The cache of an import's rows, for commands that change rows which may be cached: what is cached must
 * become stale, or whoever runs the command says that it may stay.
 */
import { systemClock } from '@millrace/kit/clock';
import { createLog } from '@millrace/kit/log';
import { retryTransient } from '@millrace/kit/retry';
import { backendUrls } from '@millrace/runtimes/connectors/backend-urls';
import { openRedis } from '@millrace/runtimes/connectors/redis/store';
import { bumpGeneration } from '@millrace/runtimes/csv-import/cache';
import type { Command } from 'commander';
import { badUsage } from './ending.ts';
import { environment } from './environment.ts';
import type { ImportSource } from './import-source.ts';

export interface CacheFlags {
  readonly redisUrl?: string;
  readonly leaveCache?: true;
  readonly backends?: string;
}

export interface CachePlace extends AsyncDisposable {
  /** For before anything is written: throws if it is away. */
  reach(): Promise<void>;
  /** Makes the table's cached rows stale. */
  bump(table: string): Promise<void>;
}

export function withCacheOptions(command: Command): Command {
  return command
    .option('--redis-url <url>', 'where rows of the import are cached; else MILLRACE_REDIS_URL')
    .option('--leave-cache', 'leave cached rows as they are until their time is over');
}

const commandTimeoutMs = 5_000;
/** A connection that was just opened, or just lost, is no server that is away. */
const reachMs = 5_000;
const backoff = { baseMs: 20, maxMs: 500 };

/** Undefined where nothing is cached, or what is cached is to stay. */
export function openCache(source: ImportSource, flags: CacheFlags): CachePlace | undefined {
  const { redisUrl, backends, leaveCache } = flags;
  if (source.config.cache.mode === 'Off' || leaveCache === true) return undefined;
  const mounted = backends === undefined ? undefined : backendUrls(backends, {}).find('REDIS_URL');
  const url =
    redisUrl ?? mounted ?? environment()['MILLRACE_REDIS_URL'] ?? source.savedRedisUrl ?? '';
  if (url === '') {
    throw badUsage(
      'rows of this import are cached: give --redis-url, so that they become stale, or --leave-cache',
    );
  }
  const log = createLog({ level: 'silent', bindings: {}, fd: 2 });
  const redis = openRedis({ url: () => url, caBundle: () => undefined, commandTimeoutMs, log });
  const inTime = (work: () => Promise<void>): Promise<void> =>
    retryTransient(work, { clock: systemClock, signal: AbortSignal.timeout(reachMs), backoff });
  return {
    reach: () => inTime(() => redis.ping()),
    bump: (table) => inTime(() => bumpGeneration(redis, table)),
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
  };
}
