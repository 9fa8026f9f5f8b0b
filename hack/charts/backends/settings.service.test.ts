/**
 * The settings and scripts that the chart gives its development backends, run by the real servers of
 * this host: images cannot be run here, but what goes into them can. Only places and ports differ.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { access, chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { Redis } from 'ioredis';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { checkDurability } from '../../../runtimes/src/increment-pipeline/stream/durability.ts';
import type { Installation } from '../../backends/backend.ts';
import { cacheDirectory } from '../../backends/cache.ts';
import { run } from '../../backends/command.ts';
import { unprivileged } from '../../backends/postgres-installation.ts';
import { definitions } from '../../backends/resolve.ts';
import { charts, openHelm, toolOrWhy } from '../helm.ts';
import { podsOf, render, type Manifest, type Pod } from '../rendered.ts';

const program = await toolOrWhy('helm', process.env);
const describeWithHelm = typeof program === 'string' ? describe : describe.skip;

let folder = '';
let manifests: readonly Manifest[] = [];
const children: ChildProcess[] = [];

beforeAll(async () => {
  if (typeof program !== 'string') return;
  folder = await mkdtemp(join(tmpdir(), 'millrace-chart-'));
  // Postgres runs as another user than root, and has to come in.
  await chmod(folder, 0o755);
  await using helm = await openHelm(program);
  const values = ['--values', join(charts.millrace, 'examples', 'development.yaml')];
  manifests = await render(helm, { values });
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

async function installed(name: 'postgres' | 'redis'): Promise<Installation> {
  const { signal } = new AbortController();
  const log = (): void => undefined;
  const search = { env: process.env, cacheDir: cacheDirectory(process.env), folder, log, signal };
  const find = async (origin: 'path' | 'cache') => definitions[name].find(origin, search);
  return find('path').catch(() => find('cache'));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function textIn(kind: 'ConfigMap' | 'Secret', name: string, key: string): string {
  const found = manifests.find((one) => one.kind === kind && one.metadata.name === name);
  const text = (found?.['data'] as Readonly<Record<string, string>> | undefined)?.[key] ?? '';
  return kind === 'Secret' ? Buffer.from(text, 'base64').toString() : text;
}

function pod(of: string): Pod['spec'] {
  const found = podsOf(manifests).find((one) => one.of === of);
  if (found === undefined) throw new Error(`no ${of}`);
  return found.spec;
}

/** The URL of the Secret, at a server of this host. */
function urlOf(key: string, port: number): string {
  const url = new URL(textIn('Secret', 'millrace-backends', key));
  url.hostname = '127.0.0.1';
  url.port = String(port);
  return url.href;
}

async function untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
  let answer: { readonly value: T } | undefined;
  await expect
    .poll(async () => (answer = { value: await ask() }), { timeout: 20_000, interval: 50 })
    .toBeDefined();
  if (answer === undefined) throw new Error('no answer');
  return answer.value;
}

describeWithHelm('Postgres of the chart', () => {
  let env: Readonly<Record<string, string>> = {};
  let programs = '';
  let port = 0;

  /** Where the container has its volume and its passwords. */
  const placed = (text: string): string =>
    text
      .replaceAll('/var/lib/postgresql', join(folder, 'postgres'))
      .replaceAll('/etc/millrace', join(folder, 'millrace'));

  async function prepare(
    script = pod('StatefulSet millrace-postgres').initContainers?.[0]?.args?.[0],
  ) {
    const { file, args } = unprivileged(['bash', '-c', placed(script ?? '')]);
    await run(file, args, {
      env: { ...env, PATH: `${programs}:${process.env['PATH']}` },
      cwd: folder,
    });
  }

  async function query(url: string, sql: string): Promise<readonly Record<string, unknown>[]> {
    const client = new Client({ connectionString: url });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  beforeAll(async () => {
    const installation = await installed('postgres');
    env = installation.env;
    programs = dirname(installation.programs['postgres'] ?? '');
    port = await freePort();
    const passwords = join(folder, 'millrace', 'passwords');
    await mkdir(passwords, { recursive: true });
    await mkdir(join(folder, 'postgres'));
    for (const role of ['superuser', 'owner', 'app']) {
      const key = `postgres-${role}`;
      await writeFile(join(passwords, key), textIn('Secret', 'millrace-backends-passwords', key));
    }
    const settings = textIn('ConfigMap', 'millrace-postgres', 'postgresql.conf');
    await writeFile(join(folder, 'millrace', 'postgresql.conf'), settings);
    await chmod(join(folder, 'postgres'), 0o777);
  });

  it('is made ready again after a first start that was killed, and only once', async () => {
    await prepare(
      'mkdir -p /var/lib/postgresql/data.new && echo half > /var/lib/postgresql/data.new/PG_VERSION',
    );
    await prepare();
    await access(join(folder, 'postgres', 'data', 'PG_VERSION'));
    await prepare('echo kept > /var/lib/postgresql/data/marker');
    await prepare();
    await access(join(folder, 'postgres', 'data', 'marker'));
  });

  it('keeps what it has committed, and gives each role no more than it needs', async () => {
    const [name = '', ...given] = pod('StatefulSet millrace-postgres').containers[0]?.command ?? [];
    const here = [
      '-p',
      String(port),
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      'shared_buffers=16MB',
    ];
    const { file, args } = unprivileged([join(programs, name), ...given.map(placed), ...here]);
    children.push(spawn(file, args, { env: { ...env }, cwd: folder, stdio: 'ignore' }));
    const app = urlOf('POSTGRES_URL', port);
    const owner = urlOf('POSTGRES_OWNER_URL', port);

    const shown = await untilAnswered(async () =>
      query(
        app,
        `SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')`,
      ),
    );

    expect(shown.map(({ setting }) => setting)).toEqual(['on', 'on', 'on']);
    await query(owner, 'CREATE SCHEMA millrace');
    await expect(query(app, 'CREATE SCHEMA mine')).rejects.toThrow('permission denied');
    await expect(query(app, 'CREATE DATABASE mine')).rejects.toThrow('permission denied');
    const wrong = new URL(app);
    wrong.password = 'wrong';
    await expect(query(wrong.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
  });
});

/** Redis with these settings on this host, and its administrator's connection. */
async function openRedis(settings: string, url: (port: number) => string): Promise<Redis> {
  const { programs, env } = await installed('redis');
  const port = await freePort();
  const data = await mkdtemp(join(folder, 'valkey-'));
  const file = join(data, 'server.conf');
  const here = `dir ${data}\nport ${port}\nbind 127.0.0.1\n`;
  await writeFile(file, `${settings.replace(/^(dir|port) .*$/gm, '')}\n${here}`);
  children.push(spawn(programs['server'] ?? '', [file], { env: { ...env }, stdio: 'ignore' }));
  const redis = new Redis(url(port), { retryStrategy: () => 50, maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  return redis;
}

/** As pipelines ask before they take anything. */
async function durabilityOf(redis: Redis, durability: 'Fsync' | 'Replicated') {
  const commands = {
    call: async (_attempted: string, [name = '', ...args]: readonly (string | number | Buffer)[]) =>
      redis.call(String(name), ...args.map(String)),
    script: async () => undefined,
  };
  return checkDurability(commands, { durability, vouched: false });
}

describeWithHelm('Valkey of the chart', () => {
  it('is on the disk before it answers, as pipelines with durability Fsync demand', async () => {
    await writeFile(
      join(folder, 'valkey.conf'),
      textIn('Secret', 'millrace-backends-passwords', 'valkey.conf'),
    );
    const settings = textIn('ConfigMap', 'millrace-valkey', 'valkey.conf');
    const placed = settings.replaceAll('/etc/millrace/passwords', folder);
    const redis = await openRedis(placed, (port) => urlOf('REDIS_URL', port));
    try {
      expect(await durabilityOf(redis, 'Fsync')).toEqual({ ok: true });
      const bytes = String(512 * 1_024 ** 2);
      expect(await redis.config('GET', 'maxmemory')).toEqual(['maxmemory', bytes]);
      const { port = 0 } = redis.options;
      const stranger = new Redis(port, '127.0.0.1', { retryStrategy: () => null });
      stranger.on('error', () => undefined);
      await expect(stranger.ping()).rejects.toThrow('NOAUTH');
      stranger.disconnect();
    } finally {
      redis.disconnect();
    }
  });
});

interface ValkeyValues {
  readonly valkeyConfig: string;
  readonly replica: { readonly minReplicasToWrite: number };
  readonly auth: { readonly aclUsers: { readonly millrace: { readonly permissions: string } } };
}

describe('Valkey as advised for production', () => {
  it('keeps what durability Replicated promises, and lets Millrace do all it does and no more', async () => {
    const file = join(charts.millrace, 'guidance', 'valkey-values.yaml');
    const { valkeyConfig, replica, auth } = parse(await readFile(file, 'utf8')) as ValkeyValues;
    const settings = `${valkeyConfig}\nmin-replicas-to-write ${replica.minReplicasToWrite}`;
    folder ||= await mkdtemp(join(tmpdir(), 'millrace-chart-'));
    const admin = await openRedis(settings, (port) => `redis://127.0.0.1:${port}`);
    try {
      const { permissions } = auth.aclUsers.millrace;
      await admin.call('ACL', 'SETUSER', 'millrace', 'on', 'nopass', ...permissions.split(' '));
      const user = admin.duplicate({ username: 'millrace', password: 'any' });
      expect(await durabilityOf(user, 'Replicated')).toEqual({ ok: true });
      user.disconnect();
      const answers = async (commands: readonly string[]): Promise<readonly string[]> =>
        Promise.all(
          commands.map(async (command) =>
            String(await admin.call('ACL', 'DRYRUN', 'millrace', ...command.split(' '))),
          ),
        );
      const used = [
        'EVALSHA digest 1 millrace:k',
        'EVAL text 1 millrace:k',
        'XADD millrace:k * a b',
        'XRANGE millrace:k - +',
        'XTRIM millrace:k MINID 1',
        'XINFO STREAM millrace:k',
        'SCAN 0 MATCH millrace:*',
        'MEMORY USAGE millrace:k',
        'UNLINK millrace:k',
        'INFO',
        'TIME',
      ];
      expect(await answers(used)).toEqual(used.map(() => 'OK'));
      const refused = ['FLUSHALL', 'CONFIG SET appendfsync no', 'KEYS *', 'SHUTDOWN', 'GET other'];
      for (const answer of await answers(refused)) expect(answer).toContain('permission');
    } finally {
      admin.disconnect();
    }
  });
});
