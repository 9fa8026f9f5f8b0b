import { Redis } from 'ioredis';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { given, lacks, privateName } from '../../../test/backends.ts';
import { loadChunks } from '../../../test/prepared-chunks.ts';
import { preparedImport, type PreparedImport } from '../../../test/prepared-import.ts';
import { openRedis } from '../../connectors/redis/store.ts';
import { bumpGeneration, type CacheOutcome, type RowCache } from '../cache.ts';
import { databaseScope, sharedIdentity, type LoadRow } from '../cached-row.ts';
import { openWarmCache } from './warm-cache.ts';
import { cacheUpdate, type CacheUpdate } from './warm-writer.ts';

interface Scene extends AsyncDisposable {
  readonly it: PreparedImport;
  readonly cache: RowCache;
  readonly update: CacheUpdate;
  readonly keys: Redis;
  readonly outcomes: CacheOutcome[];
  /** The value of the row in the cache; `unread` where Postgres would have been asked. */
  cached(id: number): Promise<string>;
  /** As if Postgres answered with this row. */
  read(id: number, value: string, position?: string): Promise<string | undefined>;
  /** Commits a chunk and writes it through. */
  load(...chunks: readonly number[]): Promise<void>;
  bump(): Promise<void>;
}

type Changes = Partial<CsvImportPodConfig['cache']> & {
  readonly onConflict?: CsvImportPodConfig['target']['onConflict'];
};

async function scene(content: string, changes: Changes = {}): Promise<Scene> {
  const { onConflict = 'LatestWins', ...cacheChanges } = changes;
  const table = privateName('warm').slice(-40).replaceAll('-', '_').toLowerCase();
  const it = await preparedImport(content, {
    target: { table: `t_${table}`, key: ['id'], onConflict, adopt: false },
    serve: { enabled: true, filters: [] },
    cache: { mode: 'Warm', ttlMs: 60_000, ...cacheChanges },
  });
  const { config, app: db } = it;
  const log = pino({ level: 'silent' });
  const redis = openRedis({ url: () => given('redis').url, commandTimeoutMs: 2_000, log });
  await expect.poll(() => redis.serverRun()).toBeDefined();
  const keys = new Redis(given('redis').url);
  const outcomes: CacheOutcome[] = [];
  const scope = databaseScope(it.env['POSTGRES_URL'] ?? '');
  const cache = openWarmCache({ config, redis, observed: (outcome) => outcomes.push(outcome) });
  const update = cacheUpdate({ config, db, redis, databaseScope: scope });
  const shared = sharedIdentity(config, scope, [{ name: 'id', type: 'bigint' }]);
  const body = (id: number, value: string): string => JSON.stringify({ id, value });
  return {
    it,
    cache,
    update,
    keys,
    outcomes,
    cached: async (id) => {
      const unread: LoadRow = async () => undefined;
      const row = await cache.read({ shared, key: [String(id)] }, unread);
      return row === undefined ? 'unread' : (JSON.parse(row) as { value: string }).value;
    },
    read: (id, value, position = '1') => {
      const row = { body: body(id, value), position, key: [String(id)] };
      return cache.read({ shared, key: row.key }, async () => row);
    },
    load: async (...chunks) => {
      for (const chunk of chunks) {
        await loadChunks(it, [chunk]);
        await update({ chunk, outcome: 'Loaded' });
      }
    },
    bump: () => bumpGeneration(redis, config.target.table),
    [Symbol.asyncDispose]: async () => {
      const found = await keys.keys(`millrace:{${config.target.table}}*`);
      if (found.length > 0) await keys.unlink(...found);
      keys.disconnect();
      await redis[Symbol.asyncDispose]();
      await it[Symbol.asyncDispose]();
    },
  };
}

/** Rows that are kept, without the counters of the budget. */
async function rowKeys({ it, keys }: Scene): Promise<readonly string[]> {
  const found = await keys.keys(`*:warm:${it.uid}:*`);
  return found.filter((key) => !/:(bytes|chunks)\b/.test(key));
}

/** Chunks of about 1 KiB; the same key first, in the middle and last. */
function content(): string {
  const lines = Array.from({ length: 96 }, (_, id) => `${id + 1},value ${id} ${'x'.repeat(20)}`);
  return [
    'id,value',
    '0,first',
    ...lines.slice(0, 48),
    '0,middle',
    ...lines.slice(48),
    '0,last',
    '',
  ].join('\n');
}

describe.skipIf(lacks('postgres') || lacks('redis'))('a warm cache', () => {
  it('holds the rows of each chunk before anybody asked, and keeps them while others are loaded', async () => {
    await using at = await scene(content());
    const [first = 0, ...others] = at.it.chunks;

    await at.load(first);
    const early = [await at.cached(0), await at.cached(1)];
    await at.load(...others);

    expect(early).toEqual(['first', `value 0 ${'x'.repeat(20)}`]);
    expect(await at.cached(1)).toBe(`value 0 ${'x'.repeat(20)}`);
    expect(await at.cached(96)).toBe(`value 95 ${'x'.repeat(20)}`);
    expect(at.outcomes.every((outcome) => outcome === 'hit')).toBe(true);
  });

  it.each([
    ['LatestWins', 'last'],
    ['FirstWins', 'first'],
  ] as const)(
    'keeps the record that wins under %s, whichever chunk comes last',
    async (onConflict, winner) => {
      await using at = await scene(content(), { onConflict });

      await at.load(...at.it.chunks.toReversed());

      expect(await at.cached(0)).toBe(winner);
    },
  );

  it('does not take a late write for the newest', async () => {
    await using at = await scene(content());
    const { chunks } = at.it;
    const last = chunks.at(-1) ?? 0;

    // Both are committed before either is written through, the older one last.
    await loadChunks(at.it, [chunks[0] ?? 0, last]);
    await at.update({ chunk: last, outcome: 'Loaded' });
    await at.update({ chunk: chunks[0] ?? 0, outcome: 'Loaded' });

    expect(await at.cached(0)).toBe('last');
  });

  it('never puts back an old row that was read before a commit', async () => {
    await using at = await scene(content());
    await at.load(at.it.chunks[0] ?? 0);
    await at.keys.unlink(...(await rowKeys(at)));
    const { promise, resolve } = Promise.withResolvers<string>();
    const late = promise;

    // The reader looks, then reads Postgres; meanwhile the last chunk is committed.
    const reading = (async () => {
      const shared = sharedIdentity(at.it.config, databaseScope(at.it.env['POSTGRES_URL'] ?? ''), [
        { name: 'id', type: 'bigint' },
      ]);
      return await at.cache.read({ shared, key: ['0'] }, async () => ({
        body: await late,
        position: '1',
        key: ['0'],
      }));
    })();
    await expect.poll(() => at.outcomes.at(-1)).toBe('miss');
    await at.load(at.it.chunks.at(-1) ?? 0);
    // Redis may drop a row at any time, and must then not take an older one.
    await at.keys.unlink(...(await rowKeys(at)));
    resolve('{"id":0,"value":"old"}');
    await reading;
    await at.keys.ping();

    expect(await at.cached(0)).toBe('unread');
  });

  it('keeps within its budget, and takes out what it has no room to renew', async () => {
    await using at = await scene(content(), { maxBytes: 4_096 });

    await at.load(...at.it.chunks);
    const found = await at.keys.keys(`*${at.it.uid}*`);
    const sizes = await Promise.all(found.map((key) => at.keys.strlen(key)));
    const kept = found.reduce((sum, key, index) => sum + key.length + (sizes[index] ?? 0), 0);

    expect(kept).toBeLessThan(4_096 + 512);
    expect(found.length).toBeGreaterThan(10);
    // It was kept with the first chunk, and there was no room for the record that won later.
    expect(['unread', 'last']).toContain(await at.cached(0));
    expect(await at.cached(96)).toBe('unread');
  });

  it('is over after a commit that was not written through', async () => {
    await using at = await scene(content());
    const [first = 0, second = 1] = at.it.chunks;
    await at.load(first);

    await at.bump();
    const afterBump = await at.cached(1);
    await at.load(second);
    await at.update({ chunk: second, outcome: 'Done' });

    expect(afterBump).toBe('unread');
    expect(await at.cached(40)).toBe('unread');
  });

  it('outlives the end of an import whose chunks were all seen to, and of no other', async () => {
    await using complete = await scene(content());
    await complete.load(...complete.it.chunks);
    await complete.update();
    const kept = await complete.cached(0);
    await using lost = await scene(content());
    await lost.load(...lost.it.chunks.slice(1));
    // Its worker died between the commit and the cache.
    await loadChunks(lost.it, lost.it.chunks.slice(0, 1));
    await lost.update();

    expect(kept).toBe('last');
    expect(await lost.cached(0)).toBe('unread');
  });

  it('is filled by readers too, under the spelling of the key that the database uses', async () => {
    await using at = await scene(content());
    await at.read(7, 'seven');
    await expect.poll(() => at.cached(7)).toBe('seven');

    expect(await at.read(7, 'another')).toBe('{"id":7,"value":"seven"}');
  });
});
