import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { given, lacks } from '../../../test/backends.ts';
import { faultProxy } from '../../../test/fault-proxy.ts';
import { incrementStreams } from '../../../test/increment-streams.ts';
import { preparedPipeline, type PreparedPipeline } from '../../../test/increment-worker.ts';
import {
  anotherPipeline,
  pipelineGateway,
  type PipelineGateway,
} from '../../../test/pipeline-gateway.ts';
import { fsyncSettings, privateRedis } from '../../../test/redis-server.ts';

const key = '0b3c9d52-6f0e-4a57-9c1f-2d8e7a6b5c40';
const one = { key, value: 1 };
const recovery = { timeout: 15_000 };

const statusOf = (gateway: PipelineGateway) => async () =>
  (await gateway.post('/increment', one)).status;

describe.skipIf(lacks('postgres', 'redis'))('a gateway whose backends fail', () => {
  let host: PreparedPipeline;

  beforeAll(async () => {
    host = await preparedPipeline();
  });
  afterAll(async () => {
    await host[Symbol.asyncDispose]();
  });

  it('is given a moment to begin, and is then ready for reads alone', async () => {
    await using proxy = await faultProxy(given('redis').url);
    await using pipeline = await anotherPipeline(host);
    proxy.set('stopped');
    await using gateway = await pipelineGateway(pipeline, { redisUrl: proxy.url, isUnready: true });
    const readyAtFirst = gateway.gateway.readiness().ready;

    expect(readyAtFirst).toBe(false);
    await expect.poll(() => gateway.gateway.readiness().ready, recovery).toBe(true);
    expect((await gateway.get('/counts')).status).toBe(200);
  });

  it('answers 503 without Redis, in general terms, and recovers by itself', async () => {
    await using proxy = await faultProxy(given('redis').url);
    await using pipeline = await anotherPipeline(host);
    await using gateway = await pipelineGateway(pipeline, { redisUrl: proxy.url });
    await gateway.post('/increment', one);
    proxy.set('stopped');
    await expect.poll(() => gateway.appender.link.isReady()).toBe(false);

    const single = await gateway.post('/increment', one);
    const batch = await gateway.post('/increments', [one]);
    const fresh = await gateway.get('/counts?fresh=true');
    const committed = await gateway.get('/counts');
    await expect.poll(() => gateway.gateway.readiness().ready, recovery).toBe(true);
    const readiness = gateway.gateway.readiness();
    const progress = await gateway.progress();

    expect([single, batch, fresh].map(({ status }) => status)).toEqual([503, 503, 503]);
    expect([single.code, single.headers.get('retry-after')]).toEqual(['Unavailable', '1']);
    expect(single.message).toBe('Nothing was taken: the service cannot take increments now.');
    expect(committed.status).toBe(200);
    expect(readiness).toMatchObject({
      ready: true,
      dependencies: { postgres: { ok: true }, redis: { ok: false }, appends: { ok: false } },
    });
    expect(progress).toMatchObject({ state: 'Waiting', members: { gateways: 1 } });
    expect(progress.backends).toMatchObject([
      { name: 'postgres', ok: true },
      { name: 'redis', ok: false, reason: 'NotConnected' },
    ]);
    proxy.set('passing');
    await expect.poll(statusOf(gateway), recovery).toBe(200);
    expect((await gateway.get(`/counts/${key}?fresh=true`)).data).toMatchObject({ value: 2 });
  });

  it('says when it does not know, and counts the repetition with the same key once', async () => {
    await using proxy = await faultProxy(given('redis').url);
    await using pipeline = await anotherPipeline(host);
    await using gateway = await pipelineGateway(pipeline, { redisUrl: proxy.url });
    await using streams = await incrementStreams(pipeline);
    const headers = { 'idempotency-key': 'again' };
    proxy.set('frozen');

    const [plain, keyed] = await Promise.all([
      gateway.post('/increment', one),
      gateway.post('/increment', { key, value: 10 }, headers),
    ]);

    expect([plain.status, plain.code, plain.headers.get('retry-after')]).toEqual([
      503,
      'FateUnknown',
      '1',
    ]);
    expect(plain.message).toContain('Only with an Idempotency-Key is it safe to repeat.');
    expect([keyed.status, keyed.code]).toEqual([503, 'FateUnknown']);
    expect(keyed.message).toContain('with the same Idempotency-Key');
    proxy.set('passing');
    await expect
      .poll(
        async () => (await gateway.post('/increment', { key, value: 10 }, headers)).status,
        recovery,
      )
      .toBe(200);
    await gateway.post('/increment', { key, value: 10 }, headers);
    streams.startWorker();
    // The one of unknown fate may have been taken; the keyed one counts once.
    await expect
      .poll(async () => (await pipeline.sums()).get(key), recovery)
      .toSatisfy((sum) => sum === 10n || sum === 11n);
  });

  it('goes on taking increments without Postgres, and answers reads with 503', async () => {
    await using proxy = await faultProxy(host.server.appUrl);
    await using pipeline = await anotherPipeline(host);
    await using gateway = await pipelineGateway(pipeline, {
      postgresUrl: proxy.url,
      readDeadlineMs: 1_000,
    });
    proxy.set('stopped');

    const counts = await gateway.get(`/counts/${key}`);
    const page = await gateway.get('/counts');
    const taken = await gateway.post('/increment', one);
    await expect.poll(() => gateway.gateway.readiness().dependencies['postgres']?.ok).toBe(false);
    const progress = await gateway.progress();

    expect([counts.status, counts.code, page.status]).toEqual([503, 'Unavailable', 503]);
    expect(counts.headers.get('retry-after')).toBe('1');
    expect([taken.status, gateway.gateway.readiness().ready]).toEqual([200, true]);
    expect(progress.state).toBe('Waiting');
    expect(progress.backends.find(({ name }) => name === 'postgres')).toMatchObject({ ok: false });
    proxy.set('passing');
    await expect.poll(async () => (await gateway.get('/counts')).status, recovery).toBe(200);
  });

  it('takes nothing while Redis is not configured for the durability, and says which setting', async () => {
    await using redis = await privateRedis({ ...fsyncSettings, appendfsync: 'everysec' });
    await using pipeline = await anotherPipeline(host, { durability: 'Fsync' });
    await using gateway = await pipelineGateway(pipeline, {
      redisUrl: redis.url,
      isUnready: true,
    });
    await expect.poll(() => gateway.appender.status().durability.message).toContain('appendfsync');

    const refused = await gateway.post('/increment', one);
    const progress = await gateway.progress();

    expect([refused.status, refused.code]).toEqual([503, 'Unavailable']);
    expect(refused.message).not.toContain('appendfsync');
    expect(gateway.gateway.readiness().dependencies['durability']).toEqual({
      ok: false,
      reason: 'DurabilityNotMet',
    });
    expect(progress).toMatchObject({ state: 'Waiting', durability: { ok: false } });
    expect(progress.durability.message).toContain('CONFIG SET appendfsync always');
    await redis.command('CONFIG', 'SET', 'appendfsync', 'always');
    await expect.poll(statusOf(gateway), recovery).toBe(200);
  });

  it('refuses what is over a budget with 503 until there is room again', async () => {
    await using pipeline = await anotherPipeline(host, {
      streams: { maxBytes: 100_000 },
      idempotency: { windowMs: 3_600_000, maxKeys: 1 },
    });
    await using gateway = await pipelineGateway(pipeline);
    await using streams = await incrementStreams(pipeline);
    const keyed = (name: string) => gateway.post('/increment', one, { 'idempotency-key': name });

    const answers = [await keyed('first'), await keyed('second'), await keyed('first')];
    const many = Array.from({ length: 5_000 }, () => one);
    const filling = await gateway.post('/increments', many);
    const full = await gateway.post('/increment', one);

    expect(answers.map(({ status }) => status)).toEqual([200, 503, 200]);
    expect([filling.status, full.status, full.code]).toEqual([200, 503, 'Unavailable']);
    expect(Number(full.headers.get('retry-after'))).toBeGreaterThan(0);
    streams.startWorker();
    await expect.poll(statusOf(gateway), recovery).toBe(200);
  });
});
