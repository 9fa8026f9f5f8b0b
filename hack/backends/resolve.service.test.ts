/** Real servers, started and killed the way people and machines do it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { connect } from 'amqplib';
import { Redis } from 'ioredis';
import { s3Connections } from '@millrace/runtimes/connectors/s3/client';
import { Client } from 'pg';
import { describe, expect, it, vi } from 'vitest';

import type { BackendName, BackendOptions, RunningBackend } from './backend.ts';
import { allBackendNames, backendNames } from './backend.ts';
import { isAlive, type ProcessIdentity } from './process-identity.ts';
import { startBackends } from './resolve.ts';
import { readRecord, serverRoot } from './server-folder.ts';
import { locked, endServer } from './server.ts';

interface StateFolder extends AsyncDisposable {
  readonly path: string;
  start(name: BackendName, options?: Partial<BackendOptions>): Promise<RunningBackend>;
}

async function stateFolder(): Promise<StateFolder> {
  const path = await mkdtemp(join(tmpdir(), 'millrace-backends-'));
  return {
    path,
    async start(name, options = {}) {
      const env = { ...process.env, [`MILLRACE_${name.toUpperCase()}_URL`]: undefined };
      const all = { stateDir: path, env, log: () => undefined, ...options };
      const backend = (await startBackends([name], all)).get(name);
      if (backend === undefined) throw new Error(`${name} was not started`);
      return backend;
    },
    async [Symbol.asyncDispose]() {
      for (const name of allBackendNames) {
        const root = serverRoot(path, name);
        await locked(root, async () => endServer(root));
      }
      // The watcher may still be taking its lock in there.
      await rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    },
  };
}

async function recorded(path: string, name: BackendName): Promise<readonly ProcessIdentity[]> {
  return (await readRecord(serverRoot(path, name)))?.processes ?? [];
}

const redisClient = (url: string): Redis => new Redis(url, { retryStrategy: () => null });

async function writeRedis(url: string, value: string): Promise<void> {
  const client = redisClient(url);
  await client.set('mark', value);
  client.disconnect();
}

async function readRedis(url: string): Promise<string | null> {
  const client = redisClient(url);
  const value = await client.get('mark');
  client.disconnect();
  return value;
}

async function query(url: string, sql: string): Promise<readonly unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const result = await client.query(sql);
  await client.end();
  return result.rows;
}

describe('a server of ours', () => {
  it('keeps acknowledged Postgres rows through kill -9, on the same port', async () => {
    await using state = await stateFolder();
    const postgres = await state.start('postgres');
    const owner = postgres.extra.ownerUrl ?? '';
    await query(owner, 'CREATE TABLE kept AS SELECT 1 AS id');

    postgres.kill('SIGKILL');
    await postgres.restart();

    expect(await query(owner, 'SELECT id FROM kept')).toEqual([{ id: 1 }]);
    await postgres.stop();
  });

  it('keeps confirmed RabbitMQ messages through kill -9, on the same port', async () => {
    await using state = await stateFolder();
    const rabbitmq = await state.start('rabbitmq');
    const before = await connect(rabbitmq.url);
    before.on('error', () => undefined);
    const channel = await before.createConfirmChannel();
    channel.on('error', () => undefined);
    await channel.assertQueue('kept', { arguments: { 'x-queue-type': 'quorum' } });
    // RabbitMQ writes the directory of its quorum queues every half second and no sooner. Killed
    // before that it comes back with a queue that has no leader, and waits for one without end.
    const declaredAt = Date.now();
    await vi.waitUntil(() => Date.now() - declaredAt > 1_500, { timeout: 5_000 });
    channel.sendToQueue('kept', Buffer.from('descriptor'), { persistent: true });
    await channel.waitForConfirms();

    rabbitmq.kill('SIGKILL');
    await rabbitmq.restart();

    const after = await connect(rabbitmq.url);
    after.on('error', () => undefined);
    const reader = await after.createChannel();
    const message = await reader.get('kept', { noAck: true });
    expect(message === false ? '' : message.content.toString()).toBe('descriptor');
    await after.close();
    await rabbitmq.stop();
  }, 90_000);

  it('keeps what an S3 store has taken through kill -9, and refuses who has no key', async () => {
    await using state = await stateFolder();
    const s3 = await state.start('s3');
    const { accessKeyId = '', secretAccessKey = '', region = '' } = s3.extra.s3 ?? {};
    const access = { endpoint: s3.url, region, accessKeyId, secretAccessKey };
    const { sdk, client } = await s3Connections(() => access)();
    await client.send(new sdk.CreateBucketCommand({ Bucket: 'kept' }));
    await client.send(new sdk.PutObjectCommand({ Bucket: 'kept', Key: 'a/b', Body: 'descriptor' }));

    s3.kill('SIGKILL');
    await s3.restart();

    const { Body: body } = await client.send(
      new sdk.GetObjectCommand({ Bucket: 'kept', Key: 'a/b' }),
    );
    expect(await body?.transformToString()).toBe('descriptor');
    expect((await fetch(`${s3.url}/kept/a/b`)).status).toBe(403);
    client.destroy();
    await s3.stop();
  });

  it('keeps its data and port when it is stopped and started again', async () => {
    await using state = await stateFolder();
    const first = await state.start('redis');
    await writeRedis(first.url, 'kept');
    await first.stop();

    const second = await state.start('redis');

    expect(second.url).toBe(first.url);
    expect(await readRedis(second.url)).toBe('kept');
    await second.stop();
  });

  it('loses its data with fresh and only then', async () => {
    await using state = await stateFolder();
    const first = await state.start('redis');
    await writeRedis(first.url, 'old');
    await first.stop();

    const second = await state.start('redis', { fresh: true });

    expect(await readRedis(second.url)).toBeNull();
    await second.stop();
  });

  it('is started anew when it hangs, and the hung process is ended', async () => {
    await using state = await stateFolder();
    const hung = await state.start('redis');
    const [before] = await recorded(state.path, 'redis');
    hung.kill('SIGSTOP');

    const next = await state.start('redis');

    expect(before === undefined || isAlive(before)).toBe(false);
    await writeRedis(next.url, 'answers');
    await next.stop();
    await hung.stop();
  });
});

describe('a state folder', () => {
  it('is shared: the server ends with its last user', async () => {
    await using state = await stateFolder();
    const first = await state.start('redis');
    const second = await state.start('redis');
    const [server] = await recorded(state.path, 'redis');

    await first.stop();
    const isUp = server !== undefined && isAlive(server);
    await second.stop();

    expect(second.pid).toBe(first.pid);
    expect(isUp).toBe(true);
    expect(server !== undefined && isAlive(server)).toBe(false);
  });
});

interface OtherProcess {
  readonly pid: number;
  readonly servers: readonly ProcessIdentity[];
}

/** Another program that uses all three backends and will not live to clean up. */
async function startInOtherProcess(path: string): Promise<OtherProcess> {
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('test/user.ts', import.meta.url)), path],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await once(child.stdout, 'data');
  const servers = (
    await Promise.all(backendNames.map(async (name) => recorded(path, name)))
  ).flat();
  const { pid } = child;
  if (pid === undefined) throw new Error('the other process did not start');
  process.kill(pid, 'SIGKILL');
  await once(child, 'exit');
  return { pid, servers };
}

describe('a program that is killed with SIGKILL', () => {
  it('leaves no server behind, the port mapper of RabbitMQ included', async () => {
    await using state = await stateFolder();

    const { servers } = await startInOtherProcess(state.path);

    expect(servers).toHaveLength(4);
    await vi.waitUntil(() => !servers.some(isAlive), { timeout: 30_000 });
  }, 120_000);

  it('does not stop the next one from starting on the same data', async () => {
    await using state = await stateFolder();
    const { servers } = await startInOtherProcess(state.path);

    const redis = await state.start('redis');

    await writeRedis(redis.url, 'answers');
    await redis.stop();
    await vi.waitUntil(() => !servers.some(isAlive), { timeout: 30_000 });
  }, 120_000);
});

describe('a backend given by URL', () => {
  it('is used as it is: never wiped, stopped or restarted', async () => {
    await using theirs = await stateFolder();
    await using state = await stateFolder();
    const server = await theirs.start('redis');
    await writeRedis(server.url, 'theirs');

    const given = await state.start('redis', {
      env: { MILLRACE_REDIS_URL: server.url },
      fresh: true,
    });
    await given.stop();

    expect(given).toMatchObject({ ours: false, origin: 'url', url: server.url });
    expect(() => given.kill('SIGKILL')).toThrow(/not ours/);
    await expect(given.restart()).rejects.toThrow(/not ours/);
    expect(await readRedis(server.url)).toBe('theirs');
    await server.stop();
  });
});

describe('a host without a backend', () => {
  it('gets the command that would help', async () => {
    await using state = await stateFolder();

    const start = state.start('rabbitmq', { env: { PATH: '/nowhere' }, origins: ['url', 'path'] });

    await expect(start).rejects.toThrow(
      /no rabbitmq can be had[^]*Set MILLRACE_RABBITMQ_URL, or run: apt-get install rabbitmq-server/,
    );
  });
});
