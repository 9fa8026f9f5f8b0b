import { progress as schema } from '@millrace/crds/increment-pipeline';
import { systemClock } from '@millrace/kit/clock';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { given, lacks } from '../../../test/backends.ts';
import { faultProxy } from '../../../test/fault-proxy.ts';
import { incrementStreams, itemsOf, keyOf } from '../../../test/increment-streams.ts';
import {
  preparedPipeline,
  testLog,
  type PreparedPipeline,
} from '../../../test/increment-worker.ts';
import { anotherPipeline } from '../../../test/pipeline-gateway.ts';
import { openRedisLink } from '../../connectors/redis/link.ts';
import { createLook } from './look.ts';

describe.skipIf(lacks('postgres', 'redis'))('a look at a pipeline', () => {
  let host: PreparedPipeline;

  beforeAll(async () => {
    host = await preparedPipeline();
  });
  afterAll(async () => {
    await host[Symbol.asyncDispose]();
  });

  /** Moved by hand: a look is taken once a second at most. */
  function movableClock() {
    let nowMs = 0;
    const clock = { ...systemClock, monotonic: () => nowMs };
    return { clock, move: (ms: number) => void (nowMs += ms) };
  }

  it('accounts for every increment, before and after its commit, and fits its schema', async () => {
    await using pipeline = await anotherPipeline(host);
    await using streams = await incrementStreams(pipeline);
    const { clock, move } = movableClock();
    const { config, db: database } = pipeline;
    const look = createLook({ config, database, link: streams.link, clock });
    await streams.append(0, itemsOf([keyOf(1), 1], [keyOf(2), 2]));
    await streams.append(1, itemsOf([keyOf(3), 3]));
    await streams.appendRaw(1, ['9', 'from the future']);

    const before = await look.progress();
    const worker = streams.startWorker();
    await streams.drained();
    move(2_000);
    const after = await look.progress();
    await worker.stop();
    move(2_000);
    const alone = await look.progress();

    expect(before).toMatchObject({
      state: 'Running',
      totals: { accepted: 4, committed: 0 },
      backlog: { entries: 3, increments: 4, maxBytes: config.streams.maxBytes },
      partitions: { total: 2, owned: 0 },
      members: { gateways: 0, workers: 0 },
    });
    expect(before.stalenessMs).toBeGreaterThan(0);
    expect(before.backlog.bytes).toBeGreaterThan(0);
    expect(after).toMatchObject({
      totals: { accepted: 4, committed: 3, deadLetters: 1, lost: 0, incarnations: 0 },
      backlog: { entries: 0, increments: 0 },
      stalenessMs: 0,
      partitions: { total: 2, owned: 2 },
      members: { gateways: 0, workers: 1 },
    });
    expect(after.rates.committedPerSecond).toBeGreaterThan(0);
    expect(alone).toMatchObject({ partitions: { owned: 0 }, members: { workers: 0 } });
    for (const progress of [before, after, alone]) {
      expect(Value.Errors(schema, progress)).toEqual([]);
    }
  });

  it('is taken once for all who ask within a second', async () => {
    await using pipeline = await anotherPipeline(host);
    await using streams = await incrementStreams(pipeline);
    const { clock, move } = movableClock();
    let taken = 0;
    const look = createLook({
      config: pipeline.config,
      database: pipeline.db,
      link: streams.link,
      clock,
      looked: () => void (taken += 1),
    });

    await Promise.all([look.progress(), look.progress(), look.progress()]);
    await look.progress();
    move(1_000);
    await look.progress();

    expect(taken).toBe(2);
  });

  it('says what it knows, what is away and since when, and fits its schema', async () => {
    await using redisProxy = await faultProxy(given('redis').url);
    await using postgresProxy = await faultProxy(host.server.appUrl);
    await using pipeline = await anotherPipeline(host);
    await using streams = await incrementStreams(pipeline);
    await using link = openRedisLink({
      url: () => redisProxy.url,
      // Longer than a look may take: it has a limit of its own.
      commandTimeoutMs: 60_000,
      log: testLog,
    });
    const { clock, move } = movableClock();
    const { config } = pipeline;
    const database = pipeline.open(postgresProxy.url);
    const look = createLook({ config, database, link, clock });
    await streams.append(0, itemsOf([keyOf(1), 1]));
    await expect.poll(() => link.isReady()).toBe(true);
    await look.progress();

    postgresProxy.set('frozen');
    await streams.append(0, itemsOf([keyOf(1), 1]));
    move(60_000);
    const withoutPostgres = await look.progress();
    redisProxy.set('frozen');
    move(60_000);
    const withSilentRedis = await look.progress();
    redisProxy.set('stopped');
    await expect.poll(() => link.isReady()).toBe(false);
    move(60_000);
    const withoutBoth = await look.progress();
    postgresProxy.set('stopped');
    const next = async () => {
      move(1_000);
      return await look.progress();
    };
    // Another reason, the same outage.
    await expect.poll(async () => (await next()).backends[0]?.reason).not.toBe('Silent');
    const still = await next();

    expect(withoutPostgres).toMatchObject({
      state: 'Waiting',
      reason: 'Silent',
      totals: { accepted: 2 },
      backlog: { increments: 2 },
      members: { gateways: 0, workers: 0 },
      backends: [
        { name: 'postgres', ok: false, reason: 'Silent' },
        { name: 'redis', ok: true },
      ],
    });
    expect(withSilentRedis.backends).toMatchObject([
      { name: 'postgres', ok: false, reason: 'Silent' },
      { name: 'redis', ok: false, reason: 'Silent' },
    ]);
    expect(withoutBoth).toMatchObject({
      state: 'Waiting',
      totals: { accepted: 2 },
      backlog: { increments: 2 },
      backends: [{ ok: false }, { name: 'redis', ok: false, reason: 'NotConnected' }],
    });
    expect(withoutBoth.stalenessMs).toBe(withoutPostgres.stalenessMs + 120_000);
    expect(still.backends[0]?.since).toBe(withoutPostgres.backends[0]?.since);
    for (const progress of [withoutPostgres, withoutBoth, still]) {
      expect(Value.Errors(schema, progress)).toEqual([]);
    }
  });
});
