import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { systemClock } from '@millrace/kit/clock';
import { Transient } from '@millrace/kit/transient';
import { given, lacks } from '../../test/backends.ts';
import { openRedisLink } from '../connectors/redis/link.ts';
import { createRateLimit, type RateLimit } from './rate-limit.ts';
import { RequestError } from './request-error.ts';
import { createRateStore, rateKey, type RateStore, type RateStoreOptions } from './rate-store.ts';

/** Of the present window, which began long ago and ends in many years. */
const ages = 2 ** 40;

interface Scene extends AsyncDisposable {
  readonly uid: string;
  readonly keys: Redis;
  /** A gateway of its own: its connection, its tokens. */
  gateway(window: { requests: number; perMs: number }): Promise<RateLimit>;
  store(options?: Partial<RateStoreOptions>): Promise<RateStore>;
}

function scene(): Scene {
  const { url } = given('redis');
  const stack = new AsyncDisposableStack();
  const uid = randomUUID();
  const keys = stack.adopt(new Redis(url), async (client) => {
    const mine = await client.keys(`millrace:{${uid}}:*`);
    if (mine.length > 0) await client.unlink(...mine);
    client.disconnect();
  });
  const store = async (options: Partial<RateStoreOptions> = {}): Promise<RateStore> => {
    const log = pino({ level: 'silent' });
    const link = stack.use(openRedisLink({ url: () => url, commandTimeoutMs: 5_000, log }));
    await expect.poll(() => link.isReady()).toBe(true);
    return createRateStore({ link, uid, ...options });
  };
  return {
    uid,
    keys,
    store,
    gateway: async (window) =>
      createRateLimit({ ...window, ...(await store()), clock: systemClock }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** 1 if it was admitted, 0 if it was refused for its rate. */
async function attempt(limit: RateLimit | undefined, subject: string): Promise<number> {
  try {
    await limit?.admit(subject);
    return 1;
  } catch (error) {
    if (error instanceof RequestError && error.status === 429) return 0;
    throw error;
  }
}

async function attempts(limits: readonly RateLimit[], subject: string, each: number) {
  const all = Array.from({ length: each }, () => limits.map((limit) => attempt(limit, subject)));
  return (await Promise.all(all.flat())).reduce((sum, one) => sum + one, 0);
}

describe.skipIf(lacks('redis'))('the rate limit over Redis', () => {
  it('admits exactly the documented number over three gateways, and leaves others alone', async () => {
    await using it = scene();
    const window = { requests: 500, perMs: ages };
    const gateways = [await it.gateway(window), await it.gateway(window), await it.gateway(window)];
    let admitted = 0;

    // In rounds, so that gateways learn the rate and take ahead.
    for (let round = 0; round < 40; round++) admitted += await attempts(gateways, 'busy', 5);
    await expect
      .poll(async () => (admitted += await attempt(gateways[admitted % 3], 'busy')))
      .toBe(500);

    expect(await attempts(gateways, 'busy', 5)).toBe(0);
    expect(await attempts(gateways, 'other', 5)).toBe(15);
  });

  it('counts anew in the next window of Redis, and forgets the one before', async () => {
    await using it = scene();
    const limit = await it.gateway({ requests: 2, perMs: 1_000 });
    let admitted = 0;

    await expect
      .poll(async () => (admitted += await attempts([limit], 'a', 3)))
      .toBeGreaterThanOrEqual(4);

    expect(await it.keys.hlen(rateKey(it.uid, 1_000))).toBe(2);
    expect(await it.keys.pttl(rateKey(it.uid, 1_000))).toBeGreaterThan(0);
  });

  it('gives little ahead, none of the last sixteenth, and takes back only of this window', async () => {
    await using it = scene();
    const store = await it.store();
    const window = { requests: 160, perMs: ages, ahead: 1_000 };

    const first = await store.take('a', window, 0);
    await store.giveBack('a', window, { count: 10, window: 'another' });
    const rest = await store.take('a', { ...window, ahead: 0 }, 1_000);
    await store.giveBack('a', window, { count: 10, window: first.window });
    const back = await store.take('a', window, 1_000);

    expect([first.granted, rest.granted, back.granted]).toEqual([10, 150, 10]);
    expect(await store.take('a', window, 1)).toMatchObject({ granted: 0 });
  });

  it('counts every subject of one call by itself', async () => {
    await using it = scene();
    const store = await it.store();
    const window = { requests: 3, perMs: ages, ahead: 0 };

    const taken = await Promise.all(
      ['a', 'b', 'a', 'c', 'a'].map((subject) => store.take(subject, window, 2)),
    );

    expect(taken.map(({ granted }) => granted)).toEqual([2, 2, 1, 2, 0]);
  });

  it('holds a bounded number of counters, which late subjects share', async () => {
    await using it = scene();
    const store = await it.store({ subjectsMax: 10 });
    const window = { requests: 1_000, perMs: ages, ahead: 0 };

    await Promise.all(
      Array.from({ length: 400 }, (_, index) => store.take(String(index), window, 1)),
    );
    await store.take('0', window, 1_000);

    const names = await it.keys.hkeys(rateKey(it.uid, ages));
    const own = names.filter((name) => !name.startsWith('shared:'));
    expect(own).toHaveLength(11);
    expect(await store.take('0', window, 1)).toMatchObject({ granted: 0 });
  });

  it('goes on with a window that a clock set back has left, and not with one of long ago', async () => {
    await using it = scene();
    const store = await it.store();
    const window = { requests: 5, perMs: 3_600_000, ahead: 0 };
    const key = rateKey(it.uid, 3_600_000);
    const present = Number((await store.take('a', window, 4)).window);

    await it.keys.hset(key, 'window', present + 1);
    const afterStep = await store.take('a', window, 4);
    await it.keys.hset(key, 'window', present - 1);
    const later = await store.take('a', window, 4);

    expect(afterStep.granted).toBe(1);
    expect(afterStep.windowEndsInMs).toBeGreaterThan(3_600_000);
    expect(later.granted).toBe(4);
  });

  it('is transient while Redis is away', async () => {
    const link = openRedisLink({
      url: () => 'redis://127.0.0.1:1',
      commandTimeoutMs: 500,
      log: pino({ level: 'silent' }),
    });
    await using _link = link;
    const limit = createRateLimit({
      requests: 1,
      perMs: 1_000,
      clock: systemClock,
      ...createRateStore({ link, uid: randomUUID() }),
    });

    await expect(limit.admit('a')).rejects.toThrow(Transient);
  });
});
