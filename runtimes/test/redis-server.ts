/**
 * A Redis of its own for a test that changes settings, ends the server, or takes its data back in
 * time. It is the same program that the test run uses, asked of the server itself; where that runs
 * elsewhere there is no private one, and the suite says so.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Redis } from 'ioredis';

import { given } from './backends.ts';
import { until } from './until.ts';

export type RedisSettings = Readonly<Record<string, string>>;

/** What durability Fsync demands. */
export const fsyncSettings: RedisSettings = {
  appendonly: 'yes',
  appendfsync: 'always',
  'no-appendfsync-on-rewrite': 'no',
  'maxmemory-policy': 'noeviction',
  save: '',
};

export interface PrivateRedis extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Where its data is. */
  readonly folder: string;
  pid(): number;
  /** One command over a connection of its own. */
  command(...args: readonly string[]): Promise<unknown>;
  signal(signal: NodeJS.Signals): void;
  /** Ends it, at once with SIGKILL, and waits for that. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** With the settings given at first, and the data that is in its folder. */
  start(): Promise<void>;
  /** Removes its data; it must not run. */
  wipe(): Promise<void>;
  /** A copy of its data as it is now. */
  copyData(): Promise<string>;
  /** Puts a copy in the place of its data; it must not run. */
  restore(copy: string): Promise<void>;
}

interface Program {
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
}

let found: Promise<Program> | undefined;

async function program(): Promise<Program> {
  const client = new Redis(given('redis').url, { maxRetriesPerRequest: 1 });
  try {
    const info = await client.info('server');
    const file = /^executable:(.+)$/m.exec(info)?.[1]?.trim() ?? '';
    const pid = /^process_id:(\d+)/m.exec(info)?.[1] ?? '';
    await access(file);
    // Where it found its libraries; the server overwrites its own environment.
    const maps = await readFile(`/proc/${pid}/maps`, 'utf8');
    const libraries = [...maps.matchAll(/ (\/\S+)\/[^/\s]+\.so[.\d]*$/gm)].map(([, dir]) => dir);
    return { file, env: { LD_LIBRARY_PATH: [...new Set(libraries)].join(':') } };
  } finally {
    client.disconnect();
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export async function privateRedis(settings: RedisSettings = fsyncSettings): Promise<PrivateRedis> {
  found ??= program();
  const { file, env } = await found;
  const root = await mkdtemp(join(tmpdir(), 'millrace-redis-'));
  const data = join(root, 'data');
  const port = await freePort();
  const password = settings['requirepass'];
  const user = password === undefined ? '' : `:${password}@`;
  const url = `redis://${user}127.0.0.1:${String(port)}`;
  let child: ChildProcess | undefined;
  let copies = 0;

  const command = async (...[name = 'PING', ...args]: readonly string[]): Promise<unknown> => {
    const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await client.call(name, ...args);
    } finally {
      client.disconnect();
    }
  };
  const answers = async (): Promise<boolean> =>
    command('PING').then(
      () => true,
      () => false,
    );
  const start = async (): Promise<void> => {
    await mkdir(data, { recursive: true });
    const own = { port: String(port), bind: '127.0.0.1', dir: data, daemonize: 'no' };
    const lines = Object.entries({ ...settings, ...own }).map(
      ([key, value]) => `${key} ${JSON.stringify(value)}\n`,
    );
    await writeFile(join(root, 'redis.conf'), lines.join(''));
    child = spawn(file, [join(root, 'redis.conf')], {
      env: { ...process.env, ...env },
      stdio: 'ignore',
    });
    await until('the private Redis answers', answers);
  };
  const stop = async (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  };
  await start();
  return {
    url,
    port,
    folder: data,
    pid: () => child?.pid ?? 0,
    command,
    signal: (signal) => void child?.kill(signal),
    stop,
    start,
    wipe: async () => rm(data, { recursive: true, force: true }),
    copyData: async () => {
      copies += 1;
      const copy = join(root, `copy-${String(copies)}`);
      await cp(data, copy, { recursive: true });
      return copy;
    },
    restore: async (copy) => {
      await rm(data, { recursive: true, force: true });
      await cp(copy, data, { recursive: true });
    },
    [Symbol.asyncDispose]: async () => {
      child?.kill('SIGCONT');
      await stop();
      await rm(root, { recursive: true, force: true });
    },
  };
}
