import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { given, lacks } from '../../../test/backends.ts';
import { database, type TestDatabase } from '../../../test/database.ts';
import { faultProxy } from '../../../test/fault-proxy.ts';
import { asOwner, gatewayConfig, testGateway, type TestGateway } from '../../../test/gateway.ts';
import { rateKey } from '../../http/rate-store.ts';

const perMs = 3_600_000;

describe.skipIf(lacks('postgres', 'redis'))('a gateway that counts requests', () => {
  let db: TestDatabase;
  let keys: Redis;
  const uids: string[] = [];
  beforeAll(async () => {
    db = await database();
    await asOwner(
      db.ownerUrl,
      `CREATE TABLE people (id bigint PRIMARY KEY, _millrace_pos bigint)`,
      `INSERT INTO people VALUES (1, 1), (2, 2)`,
    );
    keys = new Redis(given('redis').url);
  });
  afterAll(async () => {
    await keys.unlink(...uids.map((uid) => rateKey(uid, perMs)));
    keys.disconnect();
    await db[Symbol.asyncDispose]();
  });

  const limited = (requests: number, by: 'Client' | 'Key', asksForTokens = false) => {
    const uid = randomUUID();
    uids.push(uid);
    const auth = asksForTokens ? { auth: { mode: 'Tokens' as const } } : {};
    const config = gatewayConfig({ serve: { rateLimit: { requests, perMs, by }, ...auth } });
    return { ...config, import: { ...config.import, uid } };
  };
  const serve = async (config: CsvImportPodConfig, redisUrl = given('redis').url) => {
    const served = await testGateway({
      config,
      postgresUrl: db.appUrl,
      redisUrl,
      tokens: () => 'ann:token-of-ann-0123456789\nbob:token-of-bob-0123456789',
    });
    await expect.poll(() => served.gateway.readiness().ready, { timeout: 10_000 }).toBe(true);
    return served;
  };
  const statuses = async (served: readonly TestGateway[], path: string, headers = {}) => {
    const found: number[] = [];
    for (const one of served) found.push((await one.get(path, headers)).status);
    return found;
  };

  it('answers 429 to a client over its limit, whichever gateway it asks, and nobody else', async () => {
    const config = limited(3, 'Client', true);
    await using one = await serve(config);
    await using other = await serve(config);
    const bearer = (name: string) => ({ authorization: `Bearer token-of-${name}-0123456789` });

    const first = await statuses([one, other, one, other, one], '/people/1', bearer('ann'));
    const refused = await fetch(`${other.url}/people`, { headers: bearer('ann') });
    const stream = await fetch(`${other.url}/people/events`, { headers: bearer('ann') });

    expect(first).toEqual([200, 200, 200, 429, 429]);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({ error: { code: 'TooManyRequests' } });
    expect(stream.status).toBe(429);
    // Who is nobody uses nothing up, and the page's files are no requests of a client.
    expect(await statuses([one, one, one, one], '/people/1')).toEqual([401, 401, 401, 401]);
    expect((await fetch(`${one.url}/page.js`, { headers: bearer('ann') })).status).toBe(200);
    expect(await statuses([one], '/people', bearer('bob'))).toEqual([200]);
  });

  it('counts requests that name a key by that key, however it is spelt, and pages not at all', async () => {
    await using served = await serve(limited(2, 'Key'));

    const rows = [];
    for (const path of ['/people/1', '/people/+1', '/people/01', '/people/2', '/people']) {
      rows.push(...(await statuses([served], path)));
    }

    expect(rows).toEqual([200, 200, 429, 200, 200]);
  });

  it('admits nobody while Redis is away, says so, and is not ready', async () => {
    await using proxy = await faultProxy(given('redis').url);
    await using served = await serve(limited(100, 'Client'), proxy.url);

    proxy.set('stopped');
    await expect.poll(() => served.gateway.readiness().ready, { timeout: 15_000 }).toBe(false);
    const refused = await served.get('/people/1');
    const { redis, postgres } = served.gateway.readiness().dependencies;
    proxy.set('passing');
    await expect.poll(() => served.gateway.readiness().ready, { timeout: 15_000 }).toBe(true);

    expect([refused.status, refused.code]).toEqual([503, 'Unavailable']);
    expect([redis?.ok, postgres?.ok]).toEqual([false, true]);
    expect((await served.get('/people/1')).status).toBe(200);
  });
});
