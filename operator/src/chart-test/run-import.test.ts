/** What `helm test` says and answers, over the API in memory and a clock moved by hand. */
import { randomUUID } from 'node:crypto';
import { customResourceDefinition } from '@millrace/crds/crd-yaml';
import { kinds } from '@millrace/crds/index';
import { expect, test } from 'vitest';
import { ManualClock } from '../../test/manual-clock.ts';
import type { KubeApi } from '../machinery/kube-api.ts';
import { KubeFailure } from '../machinery/kube-failure.ts';
import { createMemoryApi, type MemoryApi } from '../memory/memory-api.ts';
import { importOf, imports, type TestImport } from './hundred-rows.ts';
import { runImport } from './run-import.ts';

const wanted: TestImport = {
  namespace: 'team',
  name: 'millrace-test',
  claimName: 'data',
  path: 'rows.csv',
  secretName: 'millrace-backends',
};

interface Run {
  readonly api: MemoryApi;
  readonly clock: ManualClock;
  readonly lines: string[];
  readonly end: Promise<boolean>;
}

function memoryApi(clock: ManualClock): MemoryApi {
  return createMemoryApi({
    now: () => clock.now(),
    newUid: () => randomUUID(),
    kinds: kinds.map(customResourceDefinition),
  });
}

function started(change: (api: MemoryApi) => Partial<KubeApi> = () => ({})): Run {
  const clock = new ManualClock();
  const api = memoryApi(clock);
  const lines: string[] = [];
  const seen = {
    get: api.get.bind(api),
    create: api.create.bind(api),
    delete: api.delete.bind(api),
    ...change(api),
  };
  const say = (line: string) => void lines.push(line);
  const end = runImport({ api: seen, clock, say, timeoutMs: 60_000 }, wanted);
  // Whoever awaits it later sees the rejection; until then it is nobody's accident.
  end.catch(() => undefined);
  return { api, clock, lines, end };
}

function condition(type: string, reason: string, message: string) {
  const lastTransitionTime = '2030-01-01T00:00:00Z';
  return { type, status: 'True', reason, message, lastTransitionTime, observedGeneration: 1 };
}

async function report({ api, clock }: Run, status: object): Promise<void> {
  await clock.advance(0);
  const { apiVersion, kind } = imports;
  const metadata = { namespace: wanted.namespace, name: wanted.name };
  const object = { apiVersion, kind, metadata, status: { observedGeneration: 1, ...status } };
  await api.applyStatus(imports, object, { fieldManager: 'operator', force: true });
  await clock.advance(1_000);
}

function complete(loaded: number): object {
  return {
    conditions: [condition('Complete', 'Complete', 'The import is complete.')],
    totals: { read: 100, loaded, superseded: 100 - loaded, rejected: 0, comments: 0, blank: 0 },
  };
}

test('passes once a hundred rows are loaded, and takes the import away', async () => {
  const run = started();
  await report(run, {
    conditions: [{ ...condition('Ready', 'Loading', 'It runs.'), status: 'False' }],
  });
  await report(run, complete(100));

  await expect(run.end).resolves.toBe(true);

  expect(await run.api.get(imports, wanted)).toBeUndefined();
  expect(run.lines).toEqual([
    'made csvimport/millrace-test in namespace team: 100 rows',
    '0.0 s  no operator has seen it yet',
    '0.5 s  Loading: It runs.',
    '1.5 s  Complete: 100 read, 100 loaded, 0 rejected',
    'PASSED after 1.5 s',
  ]);
});

test('fails when a complete import has not loaded each row, and leaves it to be looked at', async () => {
  const run = started();
  await report(run, complete(99));

  await expect(run.end).resolves.toBe(false);

  expect(await run.api.get(imports, wanted)).toBeDefined();
  expect(run.lines.at(-2)).toContain('99 loaded, 0 rejected, and it had to be 100 loaded');
});

test('fails with the words of the import when that fails', async () => {
  const run = started();
  await report(run, { conditions: [condition('Failed', 'TooManyRejects', 'One row is bad.')] });

  await expect(run.end).resolves.toBe(false);

  expect(run.lines).toContain('0.5 s  TooManyRejects: One row is bad.');
});

test('shows every condition when the time is over', async () => {
  const run = started();
  await report(run, { conditions: [condition('Stalled', 'SecretMissing', 'Make the Secret.')] });
  await run.clock.advance(60_000);

  await expect(run.end).resolves.toBe(false);

  expect(run.lines.at(-1)).toBe('  Stalled=True SecretMissing: Make the Secret.');
});

test('says that no operator answered when nobody wrote a status', async () => {
  const run = started();
  await run.clock.advance(61_000);

  await expect(run.end).resolves.toBe(false);

  expect(run.lines.at(-1)).toContain('no operator works in this namespace');
});

test('starts over an import of an earlier test', async () => {
  const clock = new ManualClock();
  const api = memoryApi(clock);
  const old = await api.create(imports, importOf({ ...wanted, path: 'old.csv' }));
  const lines: string[] = [];
  const say = (line: string) => void lines.push(line);

  const end = runImport({ api, clock, say, timeoutMs: 1_000 }, wanted);
  await clock.advance(2_000);

  await expect(end).resolves.toBe(false);
  const now = await api.get(imports, wanted);
  expect(now?.metadata.uid).not.toBe(old.metadata.uid);
  expect(now?.['spec']).toMatchObject({ source: { volume: { path: 'rows.csv' } } });
});

test('asks again when the server does not answer, and ends when it refuses', async () => {
  const failures = [
    undefined,
    new KubeFailure('Unavailable', 'the server is away'),
    new KubeFailure('Forbidden', 'may not get csvimports'),
  ];
  const run = started((api) => ({
    get: async (...args) => {
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      return await api.get(...args);
    },
  }));
  await run.clock.advance(1_000);

  await expect(run.end).rejects.toThrow('may not get csvimports');

  expect(run.lines).toContain('asking again: the server is away');
});
