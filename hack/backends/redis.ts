/**
 * Redis, or Valkey, which passes the same checks. The append-only file is flushed before each answer,
 * so that a restart keeps all that was acknowledged, as pipelines with durability Fsync demand; a
 * password, because loopback is shared by every user of the host.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Redis } from 'ioredis';

import type { BackendDefinition, Command, Installation, Search, ServerFolder } from './backend.ts';
import { findProgram, run } from './command.ts';
import { containerCommand, containerEngine, prepareContainer } from './container.ts';
import { debianPackages, libraryPath } from './debian.ts';

const image = 'docker.io/library/redis:7.4';
const packages = {
  name: 'redis',
  revision: 1,
  packages: [
    'redis-server',
    'redis-tools',
    'libjemalloc2',
    'liblzf1',
    'liblua5.1-0',
    'libatomic1',
    'lua-cjson',
    'lua-bitop',
    'libssl3',
  ],
};

async function checked(
  origin: 'path' | 'cache',
  server: string,
  env: Readonly<Record<string, string>>,
): Promise<Installation> {
  const text = await run(server, ['--version'], { env, timeoutMs: 10_000 });
  const version = /v=(\d+\.\d+\.\d+)/.exec(text)?.[1];
  if (version === undefined) throw new Error(`${server} does not tell its version`);
  if (Number.parseInt(version, 10) < 7) throw new Error(`${server} is ${version}, 7 is needed`);
  return { origin, version, place: server, programs: { server }, env };
}

async function onPath(search: Search): Promise<Installation> {
  const reasons: string[] = [];
  for (const name of ['redis-server', 'valkey-server']) {
    const server = await findProgram(name, search.env);
    if (server === undefined) reasons.push(`no ${name} on PATH`);
    else return checked('path', server, { PATH: search.env['PATH'] ?? '' });
  }
  throw new Error(reasons.join(', '));
}

async function inCache(search: Search): Promise<Installation> {
  const folder = await debianPackages(packages, search);
  return checked('cache', join(folder, 'usr', 'bin', 'redis-server'), {
    PATH: search.env['PATH'] ?? '',
    LD_LIBRARY_PATH: await libraryPath(folder),
  });
}

function configuration(folder: ServerFolder): string {
  return [
    'bind 127.0.0.1',
    `port ${String(folder.settings.ports['main'])}`,
    'daemonize no',
    `dir ${JSON.stringify(folder.data)}`,
    `requirepass ${folder.settings.secrets['password'] ?? ''}`,
    'appendonly yes',
    'appendfsync always',
    'save ""',
    'logfile ""',
    // Queues and counters must never vanish silently: a full memory refuses writes instead.
    'maxmemory-policy noeviction',
    '',
  ].join('\n');
}

function serverCommand(installation: Installation, folder: ServerFolder): Command {
  return {
    role: 'server',
    file: installation.programs['server'] ?? 'redis-server',
    args: [join(folder.root, 'redis.conf')],
    env: installation.env,
    cwd: folder.root,
    stopSignals: ['SIGTERM'],
  };
}

async function connect(url: string, timeoutMs: number): Promise<void> {
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  // Failures reach us through the rejected call; without a listener they would also be printed.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.ping();
  } finally {
    client.disconnect();
  }
}

export const redis: BackendDefinition = {
  name: 'redis',
  urlVariable: 'MILLRACE_REDIS_URL',
  portNames: ['main'],
  secretNames: ['password'],
  startDeadlineMs: 60_000,
  installCommand: 'apt-get install redis-server',

  async find(origin, search) {
    if (origin === 'path') return onPath(search);
    if (origin === 'cache') return inCache(search);
    return containerEngine(image, search);
  },

  async prepare(installation, folder) {
    await mkdir(folder.data, { recursive: true, mode: 0o700 });
    await writeFile(join(folder.root, 'redis.conf'), configuration(folder), { mode: 0o600 });
    if (installation.origin === 'container') await prepareContainer('redis', installation, folder);
  },

  commands(installation, folder) {
    if (installation.origin !== 'container') return [serverCommand(installation, folder)];
    const script =
      'exec redis-server --appendonly yes --appendfsync always --save "" --maxmemory-policy noeviction --requirepass "$REDIS_PASSWORD"';
    const inside = {
      name: 'redis',
      image,
      port: 6379,
      dataPath: '/data',
      env: { REDIS_PASSWORD: folder.settings.secrets['password'] ?? '' },
      args: ['sh', '-c', script],
    };
    return [containerCommand(inside, installation, folder)];
  },

  urls({ settings }) {
    const { ports, secrets } = settings;
    const url = `redis://:${secrets['password'] ?? ''}@127.0.0.1:${String(ports['main'])}/0`;
    return { url, extra: {} };
  },

  givenExtra: () => ({}),
  connect,
};
