import { pino } from 'pino';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { given, lacks, redisPrefix } from '../../../test/backends.ts';
import { faultProxy } from '../../../test/fault-proxy.ts';
import { openRedis, type RedisStore } from './store.ts';

const log = pino({ level: 'silent' });

async function opened(url: () => string, commandTimeoutMs = 200): Promise<RedisStore> {
  const store = openRedis({ url, commandTimeoutMs, log });
  await expect.poll(() => store.serverRun(), { timeout: 5_000 }).toBeDefined();
  return store;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'ok',
    (error: { code: string; backend: string; family: string }) =>
      `${error.family} ${error.backend} ${error.code}`,
  );
}

describe.skipIf(lacks('redis'))('the Redis store', () => {
  it('reads, writes with a lifetime, and keeps the first of two values', async () => {
    await using keys = redisPrefix();
    await using store = await opened(() => keys.url);
    const key = `${keys.prefix}a`;

    expect(await store.get(key)).toBeUndefined();
    expect(await store.setIfAbsent(key, 'é🎉')).toBe('é🎉');
    expect(await store.setIfAbsent(key, 'second')).toBe('é🎉');
    await store.set(key, 'third', { ttlMs: 60 });
    expect(await store.get(key)).toBe('third');
    await expect.poll(() => store.get(key)).toBeUndefined();
  });

  it('fails at once while the server is stopped and works again by itself', async () => {
    await using proxy = await faultProxy(given('redis').url);
    await using store = await opened(() => proxy.url);
    proxy.set('stopped');
    await expect.poll(() => store.serverRun()).toBeUndefined();

    const startedAt = performance.now();
    expect(await codeOf(store.ping())).toBe('Transient redis NotConnected');
    expect(performance.now() - startedAt).toBeLessThan(50);

    proxy.set('passing');
    await expect.poll(() => codeOf(store.ping()), { timeout: 10_000 }).toBe('ok');
  });

  it('waits for a frozen server no longer than its limit, and soon not at all', async () => {
    await using proxy = await faultProxy(given('redis').url);
    await using store = await opened(() => proxy.url);
    proxy.set('frozen');

    const codes = [];
    const startedAt = performance.now();
    for (let count = 0; count < 50; count++) codes.push(await codeOf(store.get('x')));

    expect(new Set(codes)).toEqual(new Set(['Transient redis Silent']));
    expect(performance.now() - startedAt).toBeLessThan(1_500);
    proxy.set('passing');
    await expect.poll(() => codeOf(store.ping()), { timeout: 10_000 }).toBe('ok');
  });

  it('translates refusals and tells no argument of the command', async () => {
    await using keys = redisPrefix();
    await using store = await opened(() => keys.url);
    const client = new Redis(keys.url);
    await client.lpush(`${keys.prefix}list`, 'secret');
    client.disconnect();

    const failure: unknown = await store.get(`${keys.prefix}list`).catch((error: unknown) => error);

    expect(failure).toMatchObject({ family: 'Transient', code: 'ServerError', backend: 'redis' });
    expect(String(failure)).not.toContain(keys.prefix);
  });

  it('connects with a rotated URL without a restart', async () => {
    let url = 'redis://127.0.0.1:1';
    await using store = openRedis({ url: () => url, commandTimeoutMs: 200, log });
    expect(await codeOf(store.ping())).toBe('Transient redis NotConnected');

    url = given('redis').url;

    await expect.poll(() => codeOf(store.ping()), { timeout: 10_000 }).toBe('ok');
  });

  it('names a URL of another scheme with the remedy, and connects once it is corrected', async () => {
    let url = 'http://x';
    await using store = openRedis({ url: () => url, commandTimeoutMs: 200, log });
    await expect(store.ping()).rejects.toThrow(/no redis:\/\/ or rediss:\/\/ URL.*correct it/);

    url = given('redis').url;

    await expect.poll(() => codeOf(store.ping()), { timeout: 10_000 }).toBe('ok');
  });
});
