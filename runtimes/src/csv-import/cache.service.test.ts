import { pino } from 'pino';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { given, lacks, privateName } from '../../test/backends.ts';
import { openRedis, type RedisStore } from '../connectors/redis/store.ts';
import {
  bumpGeneration,
  generationKey,
  openRowCache,
  type CacheOutcome,
  type RowCache,
} from './cache.ts';
import type { LoadedRow, LoadRow, RowIdentity } from './cached-row.ts';

interface Scene extends AsyncDisposable {
  readonly table: string;
  readonly redis: RedisStore;
  readonly keys: Redis;
  readonly cache: RowCache;
  readonly outcomes: CacheOutcome[];
}

async function scene(): Promise<Scene> {
  const table = privateName('cache');
  const { url } = given('redis');
  const redis = openRedis({
    url: () => url,
    commandTimeoutMs: 1_000,
    log: pino({ level: 'silent' }),
  });
  await expect.poll(() => redis.serverRun()).toBeDefined();
  const keys = new Redis(url);
  const outcomes: CacheOutcome[] = [];
  const cache = openRowCache({
    redis,
    table,
    ttlMs: 60_000,
    observed: (outcome) => outcomes.push(outcome),
  });
  return {
    table,
    redis,
    keys,
    cache,
    outcomes,
    [Symbol.asyncDispose]: async () => {
      const found = await keys.keys(`millrace:{${table}}*`);
      if (found.length > 0) await keys.unlink(...found);
      keys.disconnect();
      await redis[Symbol.asyncDispose]();
    },
  };
}

/** A read of Postgres that the test ends when it wants to. */
function heldLoad(): {
  readonly started: () => boolean;
  readonly load: LoadRow;
  readonly answer: (row: string) => void;
} {
  const { promise, resolve } = Promise.withResolvers<LoadedRow | undefined>();
  let started = false;
  return {
    started: () => started,
    load: () => {
      started = true;
      return promise;
    },
    answer: (body: string) => resolve({ body, position: undefined, key: [] }),
  };
}

const rowOf = (...key: readonly string[]): RowIdentity => ({ shared: [], key });
const loaded =
  (body: string): LoadRow =>
  async () => ({ body, position: undefined, key: [] });

const unread: LoadRow = async () => {
  throw new Error('the row was to come from the cache');
};

describe.skipIf(lacks('redis'))('the row cache', () => {
  it('never refills an old row that was read before a commit and stored after its bump', async () => {
    await using it = await scene();
    const old = heldLoad();
    const early = it.cache.read(rowOf('1'), old.load);
    await expect.poll(old.started).toBe(true);

    await bumpGeneration(it.redis, it.table);
    old.answer('old');
    await early;
    await it.redis.ping();

    expect(await it.cache.read(rowOf('1'), loaded('new'))).toBe('new');
    await expect.poll(() => it.keys.keys(`millrace:{${it.table}}:row:*`)).toHaveLength(2);
    expect(await it.cache.read(rowOf('1'), unread)).toBe('new');
  });

  it('lets a request that comes after a bump wait for no read that began before it', async () => {
    await using it = await scene();
    const old = heldLoad();
    const early = it.cache.read(rowOf('1'), old.load);
    await expect.poll(old.started).toBe(true);
    await bumpGeneration(it.redis, it.table);

    const late = await it.cache.read(rowOf('1'), loaded('new'));

    expect(late).toBe('new');
    old.answer('old');
    expect(await early).toBe('old');
  });

  it('reads Postgres once for requests of one key that come together', async () => {
    await using it = await scene();
    await bumpGeneration(it.redis, it.table);
    const held = heldLoad();
    let loads = 0;
    const reads = Array.from({ length: 50 }, () =>
      it.cache.read(rowOf('1'), () => {
        loads += 1;
        return held.load();
      }),
    );
    await expect.poll(() => it.outcomes.length).toBe(50);

    held.answer('row');

    expect(new Set(await Promise.all(reads))).toEqual(new Set(['row']));
    expect(loads).toBe(1);
  });

  it('asks again after a failed read', async () => {
    await using it = await scene();
    const failing = it.cache.read(rowOf('1'), async () => {
      throw new Error('away');
    });

    await expect(failing).rejects.toThrow('away');
    expect(await it.cache.read(rowOf('1'), loaded('row'))).toBe('row');
  });

  it('gives rows of equal keys and other identities different entries', async () => {
    await using it = await scene();
    await it.cache.read(rowOf('db1', 'a', 'b'), loaded('first'));
    await it.cache.read(rowOf('db1', 'a,b'), loaded('second'));
    await expect.poll(() => it.keys.keys(`millrace:{${it.table}}:row:*`)).toHaveLength(2);

    expect(await it.cache.read(rowOf('db1', 'a', 'b'), unread)).toBe('first');
    expect(await it.cache.read(rowOf('db1', 'a,b'), unread)).toBe('second');
  });

  it('uses a fresh token after the generation was evicted', async () => {
    await using it = await scene();
    await it.cache.read(rowOf('1'), loaded('old'));
    const before = await it.keys.getdel(generationKey(it.table));

    const row = await it.cache.read(rowOf('1'), loaded('new'));

    expect(row).toBe('new');
    expect(await it.keys.get(generationKey(it.table))).not.toBe(before);
  });

  it('does not cache rows of more than half a mebibyte', async () => {
    await using it = await scene();
    await it.cache.read(rowOf('1'), loaded('x'.repeat(600_000)));

    expect(await it.cache.read(rowOf('1'), loaded('again'))).toBe('again');
  });
});
