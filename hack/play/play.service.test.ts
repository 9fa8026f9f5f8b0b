/**
 * The whole product from its command line: manifests and files that are not in the repository, real
 * backends, real pods. The servers run for the whole file, as `--keep` would have it; each play finds
 * them in its state folder as its own.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { isAlive } from '../backends/process-identity.ts';
import type { BackendName, RunningBackend } from '../backends/backend.ts';
import type { CsvImportStatus } from '@millrace/crds/csv-import';
import type { IncrementPipelineStatus } from '@millrace/crds/increment-pipeline';
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import { startBackends } from '../backends/resolve.ts';
import {
  jsonLines,
  ownEnvironment,
  podProcesses,
  savedResource,
  startPlay,
  type PlayProcess,
} from './test/play-process.ts';
import { until } from './test/until.ts';

let folder: string;
let stateDir: string;
let backends: ReadonlyMap<BackendName, RunningBackend> = new Map();
const started: PlayProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-play-'));
  stateDir = join(folder, 'state');
  await mkdir(join(folder, 'files'));
  backends = await startBackends(['postgres', 'rabbitmq', 'redis'], {
    stateDir: join(stateDir, 'backends'),
    env: ownEnvironment(),
    log: () => undefined,
  });
}, 180_000);

afterEach(async () => {
  for (const { child } of started) child.kill('SIGKILL');
  await Promise.all(started.splice(0).map(async ({ exited }) => exited));
});

afterAll(async () => {
  await Promise.all([...backends.values()].map(async (backend) => backend.stop()));
  await rm(folder, { recursive: true, force: true });
}, 60_000);

function play(args: readonly string[], env: Readonly<Record<string, string>> = {}): PlayProcess {
  const process_ = startPlay([...args, '--state', stateDir], env);
  started.push(process_);
  return process_;
}

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const process_ = play(args, env);
  const code = await process_.exited;
  return { code, lines: jsonLines(process_.stdout()), stderr: process_.stderr() };
}

/** A manifest in a file of its own; the name is also the table's and the file's. */
async function manifest(name: string, spec: string = ''): Promise<string> {
  const file = join(folder, `${name}.yaml`);
  await writeFile(
    file,
    `apiVersion: millrace.dev/v1alpha1
kind: CsvImport
metadata: {name: ${name}}
spec:
  source: {volume: {claimName: files, path: ${name}.csv}}
  columns:
    - {name: id, type: bigint}
    - {name: word, type: text}
  target: {table: ${name}, key: [id]}
${spec}`,
  );
  return file;
}

/** Rows with the ids 1 to `rows`, then repeats and broken ones. */
async function csv(
  name: string,
  size: { rows: number; repeats?: number; broken?: number },
): Promise<void> {
  const { rows, repeats = 0, broken = 0 } = size;
  const lines = ['id,word'];
  for (let id = 1; id <= rows; id++)
    lines.push(`${String(id)},word ${String(id)} ${'x'.repeat(id % 60)}`);
  for (let id = 1; id <= repeats; id++) lines.push(`${String(id)},again`);
  for (let id = 1; id <= broken; id++) lines.push(`no number,${String(id)}`);
  await writeFile(join(folder, 'files', `${name}.csv`), `${lines.join('\n')}\n`);
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
  gateway: {replicas: 1}
  workers: {max: 1}
`,
  );
  return file;
}

async function sums(table: string): Promise<Readonly<Record<string, string>>> {
  const client = new Client({ connectionString: backends.get('postgres')?.extra.ownerUrl });
  await client.connect();
  const { rows } = await client.query<{ key: string; value: string }>(
    `SELECT key, value FROM ${table}`,
  );
  await client.end();
  return Object.fromEntries(rows.map(({ key, value }) => [key, value]));
}

/** The resource once some of it is loaded; looks are a second apart, and the files are big enough for some. */
async function underWay(name: string): Promise<KubeObject> {
  return until(
    `${name} is under way`,
    async () => {
      const object = await savedResource(stateDir, name);
      const { percent = 0 } = (object?.['status'] ?? {}) as Partial<CsvImportStatus>;
      return percent > 0 && percent < 90 ? object : undefined;
    },
    60_000,
  );
}

const volume = () => ['--volume', `files=${join(folder, 'files')}`];
const once = (file: string) => [file, '--once', '--json', ...volume()];

test('loads a file, prints one JSON line and runs again as a new import', async () => {
  await csv('words', { rows: 500, repeats: 7, broken: 3 });
  const file = await manifest('words');

  const first = await run(once(file));
  const second = await run(once(file));

  expect(first.stderr).toContain('read                 510  = loaded + superseded + rejected');
  expect(first.code).toBe(0);
  expect(first.lines).toHaveLength(1);
  expect(first.lines[0]).toMatchObject({ kind: 'CsvImport', namespace: 'default', name: 'words' });
  expect(first.lines[0]?.status.totals).toMatchObject({
    read: 510,
    loaded: 500,
    superseded: 7,
    rejected: 3,
  });
  const complete = first.lines[0]?.status.conditions?.find(({ type }) => type === 'Complete');
  expect(complete?.status).toBe('True');
  expect(second.code).toBe(0);
  expect(second.lines[0]?.status.totals).toEqual(first.lines[0]?.status.totals);
  expect(second.lines[0]?.uid).not.toBe(first.lines[0]?.uid);
  expect(await podProcesses(stateDir)).toEqual([]);
}, 90_000);

test('resumes the same import with exact totals after a kill -9 in the middle', async () => {
  await csv('killed', { rows: 1_000_000, repeats: 500, broken: 11 });
  const file = await manifest('killed', '  chunkBytes: 64Ki\n  workers: {max: 1}\n');
  const interrupted = play(once(file));
  const before = await underWay('killed');
  const pods = await podProcesses(stateDir);

  interrupted.child.kill('SIGKILL');
  await interrupted.exited;
  const resumed = await run(once(file));

  expect(pods.length).toBeGreaterThanOrEqual(2);
  expect(pods.filter(isAlive)).toEqual([]);
  expect(resumed.stderr).toContain('going on where it was interrupted');
  expect(resumed.code).toBe(0);
  expect(resumed.lines[0]?.uid).toBe(before.metadata.uid);
  expect(resumed.lines[0]?.status.totals).toMatchObject({
    read: 1_000_511,
    loaded: 1_000_000,
    superseded: 500,
    rejected: 11,
  });
}, 120_000);

test('starts a killed Postgres again and loses nothing', async () => {
  await csv('outage', { rows: 1_000_000, repeats: 500 });
  const file = await manifest('outage', '  chunkBytes: 64Ki\n  workers: {max: 1}\n');
  const going = play(once(file));
  await underWay('outage');

  backends.get('postgres')?.kill('SIGKILL');
  const code = await going.exited;

  expect(going.stderr()).toContain('postgres has died; starting it again');
  expect(code).toBe(0);
  expect(jsonLines(going.stdout())[0]?.status.totals).toMatchObject({
    read: 1_000_500,
    loaded: 1_000_000,
    superseded: 500,
  });
}, 120_000);

test('resumes after Ctrl-C, which ends every pod', async () => {
  await csv('paused', { rows: 1_000_000 });
  const file = await manifest('paused', '  chunkBytes: 64Ki\n  workers: {max: 1}\n');
  const interrupted = play(once(file));
  const before = await underWay('paused');
  const pods = await podProcesses(stateDir);

  interrupted.child.kill('SIGINT');
  const code = await interrupted.exited;
  const alive = pods.filter(isAlive);
  const resumed = await run(once(file));

  expect(code).toBe(130);
  expect(alive).toEqual([]);
  expect(resumed.code).toBe(0);
  expect(resumed.lines[0]?.uid).toBe(before.metadata.uid);
  expect(resumed.lines[0]?.status.totals).toMatchObject({ read: 1_000_000, loaded: 1_000_000 });
}, 120_000);

test('serves what it loaded until Ctrl-C, which leaves no process behind', async () => {
  await csv('served', { rows: 20 });
  const file = await manifest('served', '  serve: {enabled: true, filters: [word]}\n');
  const serving = play([file, ...volume()]);
  const url = await until(
    'an address is printed',
    () => /curl '(?<url>http:[^?]+)\?limit/.exec(serving.stderr())?.groups?.['url'],
  );
  await until(
    'it is complete',
    () => serving.stderr().includes('Ctrl-C ends') || undefined,
    60_000,
  );
  const pods = await podProcesses(stateDir);

  const one = await fetch(`${url}/7`);
  const filtered = await fetch(`${url}?word=WORD%207&limit=50`);
  const answer = (await one.json()) as { data: object };
  const page = (await filtered.json()) as { data: readonly object[] };
  serving.child.kill('SIGINT');

  expect(answer.data).toMatchObject({ id: 7, word: 'word 7 xxxxxxx' });
  expect(page.data).toHaveLength(1);
  expect(serving.stdout()).toContain('= loaded + superseded + rejected');
  expect(await serving.exited).toBe(0);
  expect(pods.length).toBeGreaterThanOrEqual(1);
  expect(pods.filter(isAlive)).toEqual([]);
  await expect(fetch(`${url}/7`)).rejects.toThrow();
}, 90_000);

test('a failed import ends with 1 and its reason; raising rejects resumes it', async () => {
  await csv('ragged', { rows: 50, broken: 5 });
  const failed = await run(once(await manifest('ragged', '  rejects: {maxRows: 2}\n')));
  const raised = await run(once(await manifest('ragged', '  rejects: {maxRows: 5}\n')));

  expect(failed.code).toBe(1);
  const condition = failed.lines[0]?.status.conditions?.find(({ type }) => type === 'Failed');
  expect(condition).toMatchObject({ status: 'True', reason: 'TooManyRejects' });
  expect(raised.stderr).toContain('CsvImport default/ragged: Complete');
  expect(raised.code).toBe(0);
  expect(raised.lines[0]?.uid).toBe(failed.lines[0]?.uid);
  expect(raised.lines[0]?.status.totals).toMatchObject({ read: 55, loaded: 50, rejected: 5 });
}, 90_000);

test('a missing file ends with 1 and says so', async () => {
  const result = await run(once(await manifest('absent')));

  expect(result.code).toBe(1);
  const condition = result.lines[0]?.status.conditions?.find(({ type }) => type === 'Failed');
  expect(condition).toMatchObject({ status: 'True', reason: 'SourceMissing' });
}, 60_000);

test('a wrong manifest is refused before anything starts, in words and as JSON', async () => {
  const file = await manifest('wrong', '  onConflict: LatesWins\n');

  const result = await run(once(file));

  expect(result.code).toBe(1);
  expect(result.lines).toEqual([
    {
      kind: 'CsvImport',
      namespace: 'default',
      name: 'wrong',
      error: expect.stringContaining(`${file}:10: unknown field "spec.onConflict"`) as string,
    },
  ]);
  expect(result.stderr).toContain(`${file}:10: unknown field`);
  expect(await savedResource(stateDir, 'wrong')).toBeUndefined();
});

test('an unmapped claim is refused with the flag to add', async () => {
  const file = await manifest('unmapped');

  const result = await run([file, '--once', '--json']);

  expect(result.code).toBe(1);
  expect(result.stderr).toContain('add --volume files=FOLDER');
  expect(result.lines[0]).toMatchObject({ kind: 'CsvImport', name: 'unmapped' });
  expect(result.lines[0]?.error).toContain('add --volume files=FOLDER');
});

test('backends given by URL are used as they are, also with --fresh', async () => {
  await csv('given', { rows: 5 });
  const file = await manifest('given');
  const env = {
    MILLRACE_POSTGRES_URL: backends.get('postgres')?.url ?? '',
    MILLRACE_POSTGRES_OWNER_URL: backends.get('postgres')?.extra.ownerUrl ?? '',
    MILLRACE_RABBITMQ_URL: backends.get('rabbitmq')?.url ?? '',
  };
  const elsewhere = join(folder, 'elsewhere');
  const args = [file, '--once', '--json', ...volume(), '--state', elsewhere];
  const runThere = async (more: readonly string[]) => {
    const process_ = startPlay([...args, ...more], env);
    started.push(process_);
    return { code: await process_.exited, lines: jsonLines(process_.stdout()) };
  };

  const first = await runThere([]);
  await csv('given', { rows: 3 });
  const second = await runThere(['--fresh']);

  expect([first.code, second.code]).toEqual([0, 0]);
  expect(second.lines[0]?.uid).not.toBe(first.lines[0]?.uid);
  await expect(stat(join(elsewhere, 'backends', 'postgres'))).rejects.toThrow();
  // Wiping would have left three.
  const client = new Client({ connectionString: env.MILLRACE_POSTGRES_OWNER_URL });
  await client.connect();
  const { rows } = await client.query<{ count: string }>('SELECT count(*) FROM given');
  await client.end();
  expect(rows[0]?.count).toBe('5');
}, 90_000);

test('a pipeline takes the curl commands that are printed, and commits all before it ends', async () => {
  const shell = promisify(execFile);
  const serving = play([await pipeline('views')]);
  const commands = await until('commands are printed', () => {
    const lines = serving.stderr().split('\n');
    const curls = lines.filter((line) => line.startsWith('  curl'));
    return curls.length >= 4 ? curls : undefined;
  });
  await until('it is ready', () => serving.stderr().includes('Ctrl-C ends') || undefined, 60_000);
  const [single = '', batch = '', , fresh = ''] = commands;
  const key = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(single)?.[0] ?? '';

  const one = await shell('sh', ['-c', single]);
  const two = await shell('sh', ['-c', batch]);
  const read = await shell('sh', ['-c', fresh]);
  await shell('sh', ['-c', single]);
  const pods = await podProcesses(stateDir);
  serving.child.kill('SIGINT');
  const code = await serving.exited;

  expect(one.stdout).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*millrace-entry: /i);
  expect(two.stdout).toContain('"accepted":2');
  expect(JSON.parse(read.stdout)).toMatchObject({ data: { key, value: 6 } });
  expect(code).toBe(0);
  expect(await sums('views')).toEqual({ [key]: '7' });
  expect(serving.stderr()).toMatch(/accepted +4 {2}= the sum of what follows/);
  expect(serving.stderr()).not.toContain('rabbitmq');
  expect(pods.length).toBeGreaterThanOrEqual(2);
  expect(pods.filter(isAlive)).toEqual([]);
}, 60_000);

test('with --once play ends when imports are Complete and pipelines Ready', async () => {
  await csv('beside', { rows: 5 });
  const files = [await pipeline('clicks'), await manifest('beside')];

  const both = play([...files, '--once', '--json', ...volume()]);
  const code = await both.exited;

  const lines = jsonLines<IncrementPipelineStatus>(both.stdout());
  const holds = lines.map(({ kind, status: { conditions = [] } }) => {
    const type = kind === 'CsvImport' ? 'Complete' : 'Ready';
    return `${kind} ${type} ${conditions.find((one) => one.type === type)?.status ?? ''}`;
  });
  expect(holds).toEqual(['IncrementPipeline Ready True', 'CsvImport Complete True']);
  expect(code).toBe(0);
}, 60_000);
