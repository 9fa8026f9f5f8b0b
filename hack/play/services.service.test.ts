/**
 * A kind that never ends, from the command line of play: real servers, real pods, and the very
 * commands that play tells people to paste.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { IncrementPipelineStatus } from '@millrace/crds/increment-pipeline';
import { brokerUrl, given, lacks } from '../../runtimes/test/backends.ts';
import { database, type TestDatabase } from '../../runtimes/test/database.ts';
import { isAlive } from '../backends/process-identity.ts';
import { jsonLines, podProcesses, startPlay, type PlayProcess } from './test/play-process.ts';
import { until } from './test/until.ts';

const run = promisify(execFile);
let folder: string;
const started: PlayProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-services-'));
});

afterEach(async () => {
  for (const { child } of started) child.kill('SIGKILL');
  await Promise.all(started.splice(0).map(async ({ exited }) => exited));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

function play(db: TestDatabase, args: readonly string[]): PlayProcess {
  const process_ = startPlay([...args, '--state', join(folder, 'state')], {
    MILLRACE_POSTGRES_URL: db.appUrl,
    MILLRACE_POSTGRES_OWNER_URL: db.ownerUrl,
    MILLRACE_REDIS_URL: given('redis').url,
    MILLRACE_RABBITMQ_URL: lacks('rabbitmq') === undefined ? brokerUrl() : '',
  });
  started.push(process_);
  return process_;
}

/** So slow to commit that what came in last is still in Redis when play is told to end. */
async function pipeline(name: string): Promise<string> {
  const file = join(folder, `${name}.yaml`);
  await writeFile(
    file,
    `apiVersion: millrace.dev/v1alpha1
kind: IncrementPipeline
metadata: {name: ${name}}
spec:
  target: {table: ${name}}
  partitions: 2
  flush: {interval: 2s}
  idempotency: {window: 1h}
  gateway: {replicas: 1}
  workers: {max: 1}
`,
  );
  return file;
}

async function csvImport(name: string): Promise<string> {
  await mkdir(join(folder, 'files'), { recursive: true });
  await writeFile(join(folder, 'files', `${name}.csv`), 'id,word\n1,one\n2,two\n');
  const file = join(folder, `${name}.yaml`);
  await writeFile(
    file,
    `apiVersion: millrace.dev/v1alpha1
kind: CsvImport
metadata: {name: ${name}}
spec:
  source: {volume: {claimName: files, path: ${name}.csv}}
  target: {table: ${name}, key: [id]}
`,
  );
  return file;
}

async function sums(db: TestDatabase, table: string): Promise<Readonly<Record<string, string>>> {
  const client = new Client({ connectionString: db.ownerUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ key: string; value: string }>(
      `SELECT key, value FROM ${table}`,
    );
    return Object.fromEntries(rows.map(({ key, value }) => [key, value]));
  } finally {
    await client.end();
  }
}

describe.skipIf(lacks('postgres', 'redis'))('a pipeline of increments in play', () => {
  test('takes the curl commands that it prints, and commits all it took before it ends', async () => {
    await using db = await database();
    const serving = play(db, [await pipeline('views')]);
    const commands = await until('commands are printed', () => {
      const lines = serving.stderr().split('\n');
      const curls = lines.filter((line) => line.startsWith('  curl'));
      return curls.length >= 4 ? curls : undefined;
    });
    await until('it is ready', () => serving.stderr().includes('Ctrl-C ends') || undefined, 60_000);
    const [single = '', batch = '', , fresh = ''] = commands;
    const key = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(single)?.[0] ?? '';

    const one = await run('sh', ['-c', single]);
    const two = await run('sh', ['-c', batch]);
    const read = await run('sh', ['-c', fresh]);
    await run('sh', ['-c', single]);
    const pods = await podProcesses(join(folder, 'state'));
    serving.child.kill('SIGINT');
    const code = await serving.exited;

    expect(one.stdout).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*millrace-entry: /i);
    expect(two.stdout).toContain('"accepted":2');
    expect(JSON.parse(read.stdout)).toMatchObject({ data: { key, value: 6 } });
    expect(code).toBe(0);
    expect(await sums(db, 'views')).toEqual({ [key]: '7' });
    expect(serving.stderr()).toMatch(/accepted +4 {2}= the sum of what follows/);
    expect(serving.stderr()).not.toContain('rabbitmq');
    expect(pods.length).toBeGreaterThanOrEqual(2);
    expect(pods.filter(isAlive)).toEqual([]);
  }, 60_000);

  test.skipIf(lacks('rabbitmq'))(
    'runs beside an import; with --once play ends when that is Complete and this is Ready',
    async () => {
      await using db = await database();
      const files = [await pipeline('clicks'), await csvImport('words')];

      const both = play(db, [...files, '--once', '--json', '--volume', `files=${folder}/files`]);
      const code = await both.exited;

      const lines = jsonLines<IncrementPipelineStatus>(both.stdout());
      const held = lines.map(({ kind, status }) => ({
        kind,
        conditions: status.conditions?.filter(({ status: is }) => is === 'True'),
      }));
      expect(held).toMatchObject([
        { kind: 'IncrementPipeline', conditions: [{ type: 'Ready' }] },
        {
          kind: 'CsvImport',
          conditions: expect.arrayContaining([
            expect.objectContaining({ type: 'Complete' }),
          ]) as unknown,
        },
      ]);
      expect(code).toBe(0);
    },
    60_000,
  );
});
