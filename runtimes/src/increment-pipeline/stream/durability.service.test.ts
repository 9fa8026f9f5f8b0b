import { randomBytes, randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import {
  appenderHost,
  appenderScene,
  outcome,
  randomItems,
  runningAppender,
  storedIncrements,
  type AppenderHost,
  type AppenderScene,
} from '../../../test/increment-appender.ts';
import { privateRedis } from '../../../test/redis-server.ts';
import { streamKey } from './names.ts';

/** What a gateway does with Redis to append; whoever restricts its user needs this list. */
const appenderCommands = [
  'config|get',
  'eval',
  'evalsha',
  'exists',
  'hdel',
  'hget',
  'hincrby',
  'hlen',
  'hmget',
  'hset',
  'info',
  'memory|usage',
  'time',
  'type',
  'unlink',
  'xadd',
  'xgroup|create',
  'xgroup|destroy',
  'xinfo|stream',
  'xrange',
  'zadd',
  'zrange',
  'zrem',
];

let host: AppenderHost;

beforeAll(async () => {
  if (lacks('redis', 'postgres') !== undefined) return undefined;
  host = await appenderHost();
  return () => host[Symbol.asyncDispose]();
});

async function set(settings: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, value] of Object.entries(settings)) {
    await host.redis.command('CONFIG', 'SET', name, value);
  }
}

function durabilityMessage({ it: { appender } }: Pick<AppenderScene, 'it'>): string {
  const { ready, reason, durability } = appender.status();
  return ready || reason !== 'DurabilityNotMet' ? '' : (durability.message ?? '');
}

describe.skipIf(lacks('redis', 'postgres'))('durability', () => {
  it('names each setting that is wrong with its value and the remedy, and goes on once all are right', async () => {
    const wrong = [
      ['appendonly', 'no', 'yes'],
      ['appendfsync', 'everysec', 'always'],
      ['no-appendfsync-on-rewrite', 'yes', 'no'],
      ['maxmemory-policy', 'allkeys-lru', 'noeviction'],
    ] as const;
    await set(Object.fromEntries(wrong.map(([setting, value]) => [setting, value])));
    await using here = await appenderScene(host);

    for (const [setting, value, remedy] of wrong) {
      await expect
        .poll(() => durabilityMessage(here), { timeout: 10_000 })
        .toContain(`Redis has ${setting} ${value}, `);
      expect(durabilityMessage(here)).toContain(`Run CONFIG SET ${setting} ${remedy}, `);
      expect(durabilityMessage(here)).toContain(`"${setting} ${remedy}" into redis.conf`);
      expect(await outcome(here.it.appender.append(randomItems(1)))).toBe(
        'Transient DurabilityNotMet',
      );
      await set({ [setting]: remedy });
    }

    await here.it.ready();
    expect(here.it.appender.status()).toEqual({ ready: true, durability: { ok: true } });
    expect(await outcome(here.it.appender.append(randomItems(1)))).toBe('ok');
  });

  it('is read again while connected', async () => {
    await using here = await appenderScene(host);
    await here.it.ready();

    await set({ appendfsync: 'everysec' });
    await expect.poll(() => durabilityMessage(here), { timeout: 5_000 }).toMatch(/everysec/);
    await set({ appendfsync: 'always' });

    await here.it.ready();
  });

  it('needs someone who vouches where the settings may not be read', async () => {
    const acl = ['reset', 'on', '>secret', '~*', '&*', '+@all', '-config'];
    await host.redis.command('ACL', 'SETUSER', 'limited', ...acl);
    const url = (): string => host.redis.url.replace('//', '//limited:secret@');
    const { config, db: ledger } = host.database;
    const fsync = { ...config, durability: 'Fsync' as const };
    await using careful = runningAppender({ config: fsync, ledger, url });
    await using vouched = runningAppender({
      config: { ...fsync, durabilityVouched: true },
      ledger,
      url,
    });

    await vouched.ready();

    await expect
      .poll(() => durabilityMessage({ it: careful }))
      .toMatch(/does not let this user read.*spec\.durabilityVouched: true/);
    expect(await outcome(vouched.appender.append(randomItems(1)))).toBe('ok');
  });

  it('is checked, and increments are taken, with the fewest rights', async () => {
    const rights = `${appenderCommands.map((command) => `+${command}`).join(' ')} ~millrace:*`;
    await host.redis.command(
      'ACL',
      'SETUSER',
      'few',
      'reset',
      'on',
      '>secret',
      ...rights.split(' '),
    );
    const url = (): string => host.redis.url.replace('//', '//few:secret@');
    const { config, db: ledger } = host.database;
    const uid = randomUUID();
    const fsync = {
      ...config,
      durability: 'Fsync' as const,
      resource: { ...config.resource, uid },
    };
    await host.database.prepare(fsync);
    await using it = runningAppender({ config: fsync, ledger, url });

    await it.ready();
    const request = { digest: randomBytes(16), payloadDigest: randomBytes(16) };
    await it.appender.appendRequest(request, randomItems(1));
    // Enough for both partitions to have some.
    await it.appender.append(randomItems(64));
    await host.redis.command('DEL', streamKey({ uid, partition: 0, incarnation: 1 }));
    await expect.poll(() => it.began.length, { timeout: 5_000 }).toBe(1);

    await it.ready();
    expect(it.failures.map(({ code }) => code)).not.toContain('PermissionDenied');
    expect(await storedIncrements(it.appender.link, ledger, uid)).toBeGreaterThan(0);
    // What Redis refused to this user.
    expect(String(await host.redis.command('ACL', 'LOG'))).not.toContain('username,few');
  });

  it('Memory asks only that nothing is evicted', async () => {
    await set({ appendfsync: 'no', 'maxmemory-policy': 'allkeys-lru' });
    await using here = await appenderScene(host, { durability: 'Memory' });

    await expect.poll(() => durabilityMessage(here)).toMatch(/maxmemory-policy noeviction/);
    await set({ 'maxmemory-policy': 'noeviction' });

    await here.it.ready();
    await set({ appendfsync: 'always' });
  });

  it('Replicated needs a bound on replicas, and replicas', async () => {
    await using here = await appenderScene(host, { durability: 'Replicated' });
    await expect.poll(() => durabilityMessage(here)).toMatch(/min-replicas-to-write 0, .* 1\./);

    await set({ 'min-replicas-to-write': '1', 'repl-diskless-sync-delay': '0' });
    await expect
      .poll(() => here.it.appender.status(), { timeout: 10_000 })
      .toMatchObject({ ready: false, durability: { ok: true }, reason: 'NoReplicas' });
    await using _replica = await privateRedis({ replicaof: `127.0.0.1 ${host.redis.port}` });

    await here.it.ready();
    expect(await outcome(here.it.appender.append(randomItems(1)))).toBe('ok');
    await set({ 'min-replicas-to-write': '0' });
  });
});
