/**
 * What somebody with kubectl sees of a resource, from apply to delete. The operator's part, writing
 * the status by server-side apply, is done here by hand, so that each step is looked at on its own.
 */
import { readFile } from 'node:fs/promises';
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  describeOnCluster,
  realNamespace,
  type KubectlResult,
  type RealNamespace,
} from '../../operator/test/real-cluster.ts';
import { csvImportKind, type CsvImportStatus } from '../src/csv-import.ts';
import {
  incrementPipelineKind,
  type IncrementPipelineProgress,
  type IncrementPipelineStatus,
} from '../src/increment-pipeline.ts';

const folder = new URL('../examples/', import.meta.url).pathname;
const file = `${folder}csv-import.yaml`;
const example = await readFile(file, 'utf8');
const { apiVersion, kind } = csvImportKind;
const name = 'users';

const condition = (type: string, status: 'True' | 'False') => ({
  type,
  status,
  reason: 'Complete',
  message: 'Every record is counted.',
  lastTransitionTime: '2026-01-02T03:04:05Z',
  observedGeneration: 1,
});

const finished: CsvImportStatus = {
  observedGeneration: 1,
  conditions: [condition('Ready', 'True'), condition('Stalled', 'False')],
  totals: { read: 10, loaded: 7, superseded: 1, rejected: 2, comments: 0, blank: 0 },
  workers: { wanted: 2, ready: 1 },
  percent: 100,
  runtimeImage: 'registry.example/runtimes:1',
};

const totals = {
  accepted: 120,
  committed: 110,
  duplicates: 0,
  deadLetters: 0,
  lost: 0,
  incarnations: 0,
};

const progress: IncrementPipelineProgress = {
  state: 'Running',
  totals,
  backlog: { entries: 2, increments: 10, bytes: 1_024, maxBytes: 268_435_456 },
  stalenessMs: 400,
  rates: { acceptedPerSecond: 12.5 },
  partitions: { total: 8, owned: 8 },
  members: { gateways: 2, workers: 3 },
  durability: { ok: true },
  backends: [],
};

const counting: IncrementPipelineStatus = {
  observedGeneration: 1,
  conditions: [condition('Ready', 'True'), condition('Stale', 'False')],
  totals,
  progress,
  workers: { wanted: 4, ready: 3 },
  gateways: { ready: 2 },
  recommendation: {
    wanted: 4,
    raw: 3.4,
    why: 'So much comes in.',
    bounds: ['at most 4 by workers.max'],
    inputs: { arrivalPerSecond: 12.5, usefulMax: 8, present: 3 },
    lowerSince: '2026-01-02T03:04:05.000Z',
  },
};

interface ManagedFields {
  readonly manager: string;
  readonly operation: string;
  readonly subresource?: string;
  readonly fieldsV1: Readonly<Record<string, unknown>>;
}

describeOnCluster('with kubectl', () => {
  let cluster: RealNamespace;

  beforeEach(async () => {
    cluster = await realNamespace();
  });
  afterEach(async () => {
    await cluster[Symbol.asyncDispose]();
  });

  async function run(args: readonly string[], input?: string): Promise<string> {
    const result: KubectlResult = await cluster.kubectl(args, input);
    expect(result.exitCode, result.stderr).toBe(0);
    return result.stdout;
  }

  async function get(): Promise<KubeObject> {
    return JSON.parse(await run(['get', 'csvi', name, '-o', 'json'])) as KubeObject;
  }

  /** As the operator writes it. */
  async function writeStatus(status: CsvImportStatus): Promise<void> {
    const metadata = { namespace: cluster.namespace, name };
    const options = { fieldManager: 'millrace-csv-import-status', force: true };
    await cluster.api.applyStatus(csvImportKind, { apiVersion, kind, metadata, status }, options);
  }

  /** Lines of a table, as words. */
  const table = (text: string): string[][] =>
    text
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s{2,}/));

  test('an import is applied, listed with its category, waited for, and deleted', async () => {
    expect(await run(['apply', '-f', file])).toBe(`csvimport.millrace.dev/${name} created\n`);
    expect((await get())['status']).toEqual({ observedGeneration: -1 });

    const waited = run(['wait', '--for=condition=Ready', `csvi/${name}`, '--timeout=20s']);
    await writeStatus(finished);
    expect(await waited).toContain('condition met');

    expect(table(await run(['get', 'millrace']))).toEqual([
      ['NAME', 'READY', 'REASON', 'WORKERS', 'WANTED', 'PROGRESS', 'REJECTED', 'AGE'],
      // A category of several kinds shows which one each is.
      [
        `csvimport.millrace.dev/${name}`,
        'True',
        'Complete',
        '1',
        '2',
        '100',
        '2',
        expect.stringMatching(/^\d+s$/),
      ],
    ]);
    const [head = [], row = []] = table(await run(['get', 'csvi', '-o', 'wide']));
    expect(head.slice(8)).toEqual(['MESSAGE', 'BACKEND', 'VERSION']);
    // No Secret is named, so that its column is blank.
    expect(row.slice(8)).toEqual(['Every record is counted.', 'registry.example/runtimes:1']);

    expect(await run(['delete', '-f', file])).toContain('deleted');
    expect(await run(['get', 'millrace', '-o', 'name'])).toBe('');
  });

  test('a pipeline is listed with its figures, and keeps every field of its status', async () => {
    await run(['apply', '-f', `${folder}${incrementPipelineKind.slug}.yaml`]);
    const metadata = { namespace: cluster.namespace, name: 'page-views' };
    const { kind: pipeline } = incrementPipelineKind;
    const options = { fieldManager: 'millrace-increment-pipeline-status', force: true };
    const written = { apiVersion, kind: pipeline, metadata, status: counting };
    await cluster.api.applyStatus(incrementPipelineKind, written, options);

    const [head = [], row = []] = table(await run(['get', 'incp', '-o', 'wide']));
    const stored = JSON.parse(await run(['get', 'incp', 'page-views', '-o', 'json'])) as KubeObject;

    expect(head.slice(3, 8)).toEqual(['WORKERS', 'WANTED', 'ACCEPTED', 'BACKLOG', 'STALE']);
    expect(row.slice(3, 8)).toEqual(['3', '4', '120', '10', 'False']);
    expect(stored['status']).toEqual(counting);
  });

  test('imports are found by their table, claim and Secret', async () => {
    await run(['apply', '-f', file]);
    const other = example
      .replace('name: users', 'name: others')
      .replace('table: users', 'table: others');
    await run(['apply', '-f', '-'], `${other}  backends: { secretName: elsewhere }\n`);
    const found = async (selector: string) =>
      run(['get', 'csvi', '--field-selector', selector, '-o', 'name']);

    expect(await found('spec.target.table=users')).toBe('csvimport.millrace.dev/users\n');
    expect(await found('spec.backends.secretName=elsewhere')).toBe(
      'csvimport.millrace.dev/others\n',
    );
    expect(await found('spec.backends.secretName=')).toBe('csvimport.millrace.dev/users\n');
    expect(await found('spec.source.volume.claimName=data')).toBe(
      'csvimport.millrace.dev/others\ncsvimport.millrace.dev/users\n',
    );
  });

  test.each([
    ['client-side', []],
    ['server-side', ['--server-side']],
  ])('a later %s apply and the status leave each other alone', async (_how, options) => {
    const apply = ['apply', ...options, '-f', '-'];
    await run(apply, example);
    await writeStatus(finished);

    await run(apply, example.replace('max: 2', 'max: 3'));
    await writeStatus({ ...finished, observedGeneration: 2 });

    const after = await get();
    expect(after.metadata.generation).toBe(2);
    expect(after['spec']).toMatchObject({ workers: { min: 0, max: 3 } });
    expect(after['status']).toMatchObject({ ...finished, observedGeneration: 2 });
    const owners = (await cluster.api.get(csvImportKind, after.metadata))?.metadata as unknown as {
      managedFields: readonly ManagedFields[];
    };
    const ofStatus = owners.managedFields.filter(({ fieldsV1 }) => 'f:status' in fieldsV1);
    expect(ofStatus.map(({ manager, subresource }) => [manager, subresource])).toEqual([
      ['millrace-csv-import-status', 'status'],
    ]);
    expect(await run(apply, example.replace('max: 2', 'max: 3'))).toMatch(
      /unchanged|serverside-applied/,
    );
    expect((await get()).metadata.resourceVersion).toBe(after.metadata.resourceVersion);
  });

  test('a server-side apply takes over what was applied client-side', async () => {
    await run(['apply', '-f', file]);

    const text = example.replace('max: 2', 'max: 3');
    await run(['apply', '--server-side', '-f', '-'], text);

    expect((await get())['spec']).toMatchObject({ workers: { max: 3 } });
  });

  test('an edit that would load something else says what to do instead', async () => {
    await run(['apply', '-f', file]);

    const text = example.replace('table: users', 'table: others');
    const { exitCode, stderr } = await cluster.kubectl(['apply', '-f', '-'], text);

    expect(exitCode).toBe(1);
    expect(stderr).toBe(
      'The CsvImport "users" is invalid: spec.target: Forbidden: target is immutable; create a new CsvImport instead\n',
    );
  });

  test('a misspelt field is refused, whoever validates', async () => {
    const text = example.replace('workers:', 'wokers:');

    const strict = await cluster.kubectl(['create', '--validate=strict', '-f', '-'], text);
    const server = await cluster.kubectl(['apply', '--server-side', '-f', '-'], text);

    expect(strict).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('strict decoding error: unknown field "spec.wokers"'),
    });
    expect(server).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('.spec.wokers: field not declared in schema'),
    });
  });

  test('the status cannot be written with the rest, by mistake', async () => {
    await run(['apply', '-f', '-'], `${example}status: { observedGeneration: 7, percent: 50 }\n`);

    expect((await get())['status']).toEqual({ observedGeneration: -1 });
  });
});
