import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { given, lacks, privateName } from '../../../test/backends.ts';
import { database, type TestDatabase } from '../../../test/database.ts';
import { faultProxy, type FaultProxy } from '../../../test/fault-proxy.ts';
import { asOwner, gatewayConfig, testGateway, type TestGateway } from '../../../test/gateway.ts';
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { bumpGeneration } from '../cache.ts';

interface Scene extends AsyncDisposable {
  readonly table: string;
  readonly db: TestDatabase;
  readonly postgres: FaultProxy;
  readonly redis: FaultProxy;
  readonly keys: Redis;
  serve(): Promise<TestGateway>;
  /** Writes and makes the cached rows stale, as a worker does. */
  load(served: TestGateway, id: number, word: string): Promise<void>;
}

/** A table with a row, and its gateway's backends behind proxies. */
async function scene(): Promise<Scene> {
  const stack = new AsyncDisposableStack();
  const table = privateName('cached');
  const db = stack.use(await database());
  const postgres = stack.use(await faultProxy(db.appUrl));
  const redis = stack.use(await faultProxy(given('redis').url));
  const keys = new Redis(given('redis').url);
  stack.defer(async () => {
    const found = await keys.keys(`millrace:{${table}}*`);
    if (found.length > 0) await keys.unlink(...found);
    keys.disconnect();
  });
  await asOwner(
    db.ownerUrl,
    `CREATE TABLE ${table} (id bigint PRIMARY KEY, word text, _millrace_pos bigint)`,
    `INSERT INTO ${table} SELECT i, 'old', i FROM generate_series(1, 100) i`,
  );
  const config: CsvImportPodConfig = {
    ...gatewayConfig({ target: { table }, cache: { mode: 'Invalidate' } }),
    columns: [
      { name: 'id', type: 'bigint' },
      { name: 'word', type: 'text' },
    ],
  };
  return {
    table,
    db,
    postgres,
    redis,
    keys,
    serve: async () => {
      const served = await testGateway({
        config,
        postgresUrl: postgres.url,
        redisUrl: redis.url,
        readDeadlineMs: 500,
      });
      await expect.poll(() => served.redis?.serverRun()).toBeDefined();
      return served;
    },
    load: async (served, id, word) => {
      await asOwner(db.ownerUrl, `UPDATE ${table} SET word = '${word}' WHERE id = ${id}`);
      if (served.redis !== undefined) await bumpGeneration(served.redis, table);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function rowKeys({ keys, table }: Scene): Promise<readonly string[]> {
  return await keys.keys(`millrace:{${table}}:row:*`);
}

async function elapsedMs(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** A row whose text is in the cache before the outage begins, and one whose text is not. */
async function warm(it: Scene, served: TestGateway): Promise<void> {
  // On a busy host Redis may be too late for one request, which then fills nothing.
  const cached = async () => {
    const keys = await rowKeys(it);
    if (keys.length === 0) await served.get(`/${it.table}/1`);
    return keys;
  };
  await expect.poll(cached, { timeout: 10_000 }).toHaveLength(1);
}

describe.skipIf(lacks('postgres', 'redis'))('the gateway’s cache', () => {
  it('answers with the new row right after a bump', async () => {
    await using it = await scene();
    await using served = await it.serve();
    await warm(it, served);

    await it.load(served, 1, 'new');

    expect((await served.get(`/${it.table}/1`)).data).toEqual({ id: 1, word: 'new' });
  });

  it('answers hits from Redis, counts them, and gives rows a bounded life', async () => {
    await using it = await scene();
    await using served = await it.serve();
    await warm(it, served);

    const hit = await served.get(`/${it.table}/001`);
    const [key = ''] = await rowKeys(it);
    const ttlMs = await it.keys.pttl(key);

    expect(hit.text).toBe('{"status":"success","data":{"id":1,"word":"old"}}');
    expect(await served.metrics.metrics()).toMatch(/cache_reads_total\{result="hit"\} [1-9]/);
    expect(ttlMs).toBeGreaterThan(100_000);
    expect(ttlMs).toBeLessThanOrEqual(120_000);
  });

  it('does not keep absent rows', async () => {
    await using it = await scene();
    await using served = await it.serve();

    const before = await served.get(`/${it.table}/1000`);
    await asOwner(it.db.ownerUrl, `INSERT INTO ${it.table} VALUES (1000, 'late', 1)`);
    const after = await served.get(`/${it.table}/1000`);

    expect([before.status, after.status]).toEqual([404, 200]);
  });

  it('serves hits and says 503, never 404, while Postgres is stopped or frozen', async () => {
    await using it = await scene();
    await using served = await it.serve();
    await warm(it, served);

    for (const state of ['stopped', 'frozen'] as const) {
      it.postgres.set(state);
      const hit = await served.get(`/${it.table}/1`);
      const miss = await served.get(`/${it.table}/2`);
      const absent = await served.get(`/${it.table}/5000`);
      const list = await served.get(`/${it.table}`);
      const malformed = await served.get(`/${it.table}/x`);

      expect([
        state,
        hit.status,
        miss.status,
        absent.status,
        list.status,
        malformed.status,
      ]).toEqual([state, 200, 503, 503, 503, 400]);
      expect(miss.code).toBe('Unavailable');
      await expect
        .poll(() => served.gateway.readiness().dependencies['postgres']?.ok, { timeout: 15_000 })
        .toBe(false);
      expect(served.gateway.readiness().ready).toBe(true);
      it.postgres.set('passing');
      await expect
        .poll(async () => (await served.get(`/${it.table}/3`)).status, { timeout: 15_000 })
        .toBe(200);
    }
  });

  it('serves from Postgres while Redis is stopped or frozen, soon without waiting for it', async () => {
    await using it = await scene();
    await using served = await it.serve();
    await warm(it, served);

    for (const state of ['stopped', 'frozen'] as const) {
      it.redis.set(state);
      for (let id = 1; id <= 5; id++) {
        expect((await served.get(`/${it.table}/${id}`)).status).toBe(200);
      }
      const waits = [];
      for (let id = 6; id <= 30; id++) {
        waits.push(await elapsedMs(() => served.get(`/${it.table}/${id}`)));
      }
      waits.sort((left, right) => left - right);
      expect((await served.get(`/${it.table}/5000`)).status).toBe(404);
      // The median of requests: one in a while may be the one that asks whether Redis is back.
      expect(waits[12]).toBeLessThan(150);
      expect(served.gateway.readiness().ready).toBe(true);
      it.redis.set('passing');
      await expect
        .poll(
          async () =>
            await served.redis?.ping().then(
              () => 'ok',
              () => 'away',
            ),
          {
            timeout: 15_000,
          },
        )
        .toBe('ok');
    }
  });

  it('says 503 at once and is not ready while both are away, and recovers by itself', async () => {
    await using it = await scene();
    await using served = await it.serve();
    it.postgres.set('stopped');
    it.redis.set('stopped');

    const row = await served.get(`/${it.table}/1`);

    expect([row.status, row.code]).toEqual([503, 'Unavailable']);
    await expect.poll(() => served.gateway.readiness().ready, { timeout: 15_000 }).toBe(false);
    it.postgres.set('passing');
    it.redis.set('passing');
    await expect.poll(() => served.gateway.readiness().ready, { timeout: 15_000 }).toBe(true);
    expect((await served.get(`/${it.table}/1`)).status).toBe(200);
  });

  it('serves hits after a restart without Postgres', async () => {
    await using it = await scene();
    {
      await using before = await it.serve();
      await warm(it, before);
    }
    it.postgres.set('stopped');
    await using after = await it.serve();
    await expect.poll(() => after.gateway.readiness().ready, { timeout: 5_000 }).toBe(true);

    const hit = await after.get(`/${it.table}/1`);
    const miss = await after.get(`/${it.table}/2`);

    expect([hit.status, miss.status]).toEqual([200, 503]);
  });

  it('is not ready without Postgres when nothing was ever cached', async () => {
    await using it = await scene();
    it.postgres.set('stopped');
    await using served = await it.serve();

    expect(served.gateway.readiness().ready).toBe(false);
    expect((await served.get(`/${it.table}/1`)).status).toBe(503);
  });
});
