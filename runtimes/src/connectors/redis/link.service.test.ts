import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { Transient } from '@millrace/kit/transient';
import { given, lacks, redisPrefix } from '../../../test/backends.ts';
import { faultProxy } from '../../../test/fault-proxy.ts';
import { privateRedis } from '../../../test/redis-server.ts';
import { openRedisLink, type RedisLink, type RedisLinkOptions } from './link.ts';

const log = pino({ level: 'silent' });

function link(url: () => string, options: Partial<RedisLinkOptions> = {}): RedisLink {
  return openRedisLink({ url, commandTimeoutMs: 300, log, ...options });
}

async function ready(it: RedisLink): Promise<void> {
  await expect.poll(() => it.isReady(), { timeout: 10_000 }).toBe(true);
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'ok',
    (error: { code: string }) => error.code,
  );
}

describe.skipIf(lacks('redis'))('the Redis link', () => {
  it('sends commands of one turn in order, and answers with bytes', async () => {
    await using keys = redisPrefix();
    await using it = link(() => keys.url);
    await ready(it);
    const key = `${keys.prefix}list`;
    const bytes = Buffer.from([0, 255, 13, 10, 128]);

    const lengths = await Promise.all(
      Array.from({ length: 100 }, (_, at) => it.call('Pushing', ['RPUSH', key, at, bytes])),
    );

    expect(lengths).toEqual(Array.from({ length: 100 }, (_, at) => 2 * (at + 1)));
    expect(await it.call('Reading', ['LINDEX', key, 1])).toEqual(bytes);
  });

  it('tells what was not sent from what may have been done', async () => {
    await using keys = redisPrefix();
    await using proxy = await faultProxy(keys.url);
    await using it = link(() => proxy.url);
    const count = ['INCR', `${keys.prefix}count`];
    expect(await codeOf(it.call('Counting', count))).toBe('NotConnected');
    await ready(it);
    await it.call('Counting', count);

    proxy.set('mute');
    const silent = await codeOf(it.call('Counting', count));
    const lost = codeOf(it.call('Counting', count));
    await using direct = link(() => keys.url);
    await ready(direct);
    const counted = async (): Promise<number> =>
      Number(await direct.call('Reading', ['GET', `${keys.prefix}count`]));
    await expect.poll(counted).toBe(3);
    proxy.set('stopped');

    expect([silent, await lost]).toEqual(['Silent', 'ConnectionLost']);
    await expect.poll(() => codeOf(it.call('Counting', count))).toBe('NotConnected');
    proxy.set('passing');
    await ready(it);
    expect(await counted()).toBe(3);
  });

  it('is prepared on every connection before anybody else is heard', async () => {
    await using proxy = await faultProxy(given('redis').url);
    const heard: string[] = [];
    let isBroken = true;
    await using it = link(() => proxy.url, {
      prepare: async (commands) => {
        expect(String(await commands.call('Preparing', ['PING']))).toBe('PONG');
        expect(await codeOf(it.call('Asking', ['PING']))).toBe('NotConnected');
        heard.push(isBroken ? 'broken' : 'prepared');
        if (isBroken) throw new Transient('Unprepared', 'Something is missing; add it.');
      },
    });

    await expect.poll(() => it.failure()?.code, { timeout: 5_000 }).toBe('Unprepared');
    expect(it.isReady()).toBe(false);
    isBroken = false;
    await ready(it);
    expect(it.failure()).toBeUndefined();
    proxy.set('stopped');
    await expect.poll(() => it.isReady()).toBe(false);
    proxy.set('passing');
    await ready(it);

    expect(heard.filter((word) => word === 'prepared')).toHaveLength(2);
  });

  it('runs a script that the server does not know, also after it was restarted', async () => {
    await using redis = await privateRedis();
    await using it = link(() => redis.url);
    await ready(it);
    const script = { name: 'echo', lua: 'return {KEYS[1], ARGV[1]}' };
    const run = async (): Promise<unknown> =>
      it.script('Echoing', script, { keys: ['k'], args: [Buffer.from('é')] });
    const expected = [Buffer.from('k'), Buffer.from('é')];

    expect(await run()).toEqual(expected);
    await redis.stop();
    await redis.start();
    await ready(it);
    expect(await run()).toEqual(expected);
  });

  it('says why it is not ready: the wrong password, and a server that is away', async () => {
    await using redis = await privateRedis({ requirepass: 'right' });
    let url = redis.url.replace('right', 'wrong');
    await using it = link(() => url);
    await expect.poll(() => it.failure()?.code, { timeout: 5_000 }).toBe('AuthenticationFailed');

    url = redis.url;
    await ready(it);
    await redis.stop();

    await expect.poll(() => it.failure()?.code, { timeout: 5_000 }).toBe('ConnectionRefused');
  });
});
