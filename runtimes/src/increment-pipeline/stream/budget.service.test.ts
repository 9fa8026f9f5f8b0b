import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import {
  appenderHost,
  appenderScene,
  outcome,
  randomItems,
  type AppenderHost,
  type AppenderScene,
} from '../../../test/increment-appender.ts';
import { streamFacts, trimTo } from './reader.ts';

let host: AppenderHost;

beforeAll(async () => {
  if (lacks('redis', 'postgres') !== undefined) return undefined;
  host = await appenderHost();
  return () => host[Symbol.asyncDispose]();
});

async function scene(maxBytes: number): Promise<AppenderScene> {
  const here = await appenderScene(host, { streams: { maxBytes } });
  await here.it.ready();
  return here;
}

async function oneMore({ it }: AppenderScene): Promise<string> {
  return outcome(it.appender.append(randomItems(1)));
}

describe.skipIf(lacks('redis', 'postgres'))('the budget of the streams', () => {
  it('is kept within a burst and over time, and has room again when the streams are trimmed', async () => {
    const maxBytes = 1 << 20;
    await using here = await scene(maxBytes);
    const { appender } = here.it;
    const { link } = appender;

    const full = async (): Promise<unknown> => {
      for (;;) {
        const failure = await appender.append(randomItems(1_000)).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (failure !== undefined) return failure;
      }
    };
    const failure = await full();
    const places = [0, 1].map((partition) => ({ uid: here.uid, partition, incarnation: 1 }));
    const facts = await Promise.all(places.map((place) => streamFacts(link, place)));

    expect(failure).toMatchObject({
      family: 'Transient',
      code: 'StreamsFull',
      retryAfterMs: 2_000,
    });
    expect(appender.status()).toMatchObject({ ready: false, reason: 'StreamsFull' });
    const bytes = facts.reduce((sum, each) => sum + (each?.bytes ?? 0), 0);
    expect(bytes).toBeGreaterThan(maxBytes / 2);
    expect(bytes).toBeLessThan(maxBytes * 1.25);
    for (const [at, place] of places.entries()) {
      await trimTo(link, { ...place, id: facts[at]?.lastGeneratedId ?? '' });
    }
    await expect.poll(() => oneMore(here), { timeout: 5_000 }).toBe('ok');
  });
});

describe.skipIf(lacks('redis', 'postgres'))('a Redis that refuses writes', () => {
  it('for its memory is waited for, and nothing is in doubt', async () => {
    await using here = await scene(1 << 30);
    await here.redis.command('CONFIG', 'SET', 'maxmemory', '1');

    expect(await oneMore(here)).toBe('Transient OutOfMemory');
    await expect.poll(() => here.it.appender.status().reason).toBe('OutOfMemory');
    expect(await oneMore(here)).toBe('Transient OutOfMemory');
    // The second was refused without asking Redis.
    expect(here.it.failures).toHaveLength(1);
    await here.redis.command('CONFIG', 'SET', 'maxmemory', '0');
    await expect.poll(() => oneMore(here), { timeout: 5_000 }).toBe('ok');
    expect(await here.stored()).toBe(1);
  });

  it('as a replica is waited for', async () => {
    await using here = await scene(1 << 30);
    await here.redis.command('REPLICAOF', '127.0.0.1', '1');

    expect(await oneMore(here)).toBe('Transient ReadOnly');

    await here.redis.command('REPLICAOF', 'NO', 'ONE');
    await expect.poll(() => oneMore(here), { timeout: 10_000 }).toBe('ok');
    expect(await here.stored()).toBe(1);
  });

  it('because its disk does is waited for', async () => {
    await using here = await scene(1 << 30);
    const { redis } = here;
    // A folder in the place of the snapshot makes every snapshot fail.
    const obstacle = join(redis.folder, 'dump.rdb');
    await mkdir(obstacle);
    await redis.command('CONFIG', 'SET', 'save', '36000 1');
    const snapshot = async (): Promise<string> => {
      await redis.command('BGSAVE').catch(() => undefined);
      return /rdb_last_bgsave_status:(\w+)/.exec(String(await redis.command('INFO')))?.[1] ?? '';
    };
    await expect.poll(snapshot, { timeout: 10_000 }).toBe('err');

    expect(await oneMore(here)).toBe('Transient NotPersisting');

    await rmdir(obstacle);
    await expect.poll(snapshot, { timeout: 10_000 }).toBe('ok');
    await expect.poll(() => oneMore(here), { timeout: 5_000 }).toBe('ok');
    expect(await here.stored()).toBe(1);
    await redis.command('CONFIG', 'SET', 'save', '');
  });
});
