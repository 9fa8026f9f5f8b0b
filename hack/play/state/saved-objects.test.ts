import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import type { Snapshot } from '@millrace/operator/memory/snapshot';
import { loadObjects, objectSaver } from './saved-objects.ts';
import { withStateLock } from './state-lock.ts';

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-state-'));
  file = join(folder, 'deep', 'objects.json');
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

function saved(kind: string, name: string, more: object = {}) {
  const isOurs = kind === 'CsvImport';
  const apiVersion = isOurs ? 'millrace.dev/v1alpha1' : 'v1';
  const { owner, ...fields } = more as { owner?: string };
  const ownerReferences =
    owner === undefined
      ? undefined
      : [{ apiVersion: 'x', kind: 'x', name: 'x', uid: owner, controller: true }];
  const object: KubeObject = {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace: 'default',
      uid: name,
      ...(ownerReferences && { ownerReferences }),
    },
    ...fields,
  };
  return { type: { apiVersion, kind, plural: `${kind.toLowerCase()}s` }, object, owners: {} };
}

const snapshot: Snapshot = {
  revision: 41,
  objects: [
    saved('CsvImport', 'mine'),
    saved('Job', 'mine-job', { owner: 'mine' }),
    saved('Pod', 'running', { owner: 'mine-job', status: { phase: 'Running' } }),
    saved('Pod', 'ended', { owner: 'mine-job', status: { phase: 'Succeeded' } }),
    saved('CsvImport', 'other'),
    saved('Job', 'other-job', { owner: 'other' }),
    saved('Secret', 'millrace-backends'),
    saved('Event', 'event'),
  ],
};

const isMine = (object: KubeObject): boolean => object.metadata.name === 'mine';

async function save(): Promise<void> {
  const saver = objectSaver({
    file,
    parked: [],
    snapshot: () => snapshot,
    servicePorts: () => ({ 'default/web:80': 4711 }),
    onError: (error) => {
      throw error;
    },
  });
  await saver.flush();
}

test('loads what is named with what belongs to it, but no pod that had not ended', async () => {
  await save();

  const loaded = await loadObjects(file, isMine);

  expect(loaded.snapshot?.revision).toBe(41);
  expect(loaded.snapshot?.objects.map(({ object }) => object.metadata.name)).toEqual([
    'mine',
    'mine-job',
    'ended',
  ]);
  expect(loaded.servicePorts).toEqual({ 'default/web:80': 4711 });
});

test('keeps resources of other manifests for a run that names them, and no Secret of backends', async () => {
  await save();
  const first = await loadObjects(file, isMine);
  const saver = objectSaver({
    file,
    parked: first.parked,
    snapshot: () => first.snapshot ?? snapshot,
    servicePorts: () => ({}),
    onError: () => undefined,
  });
  await saver.flush();

  const second = await loadObjects(file, (object) => object.metadata.name === 'other');

  expect(second.snapshot?.objects.map(({ object }) => object.metadata.name)).toEqual([
    'other',
    'other-job',
  ]);
  expect(await readFile(file, 'utf8')).not.toContain('millrace-backends');
});

test('writes soon after a change, whole and for its owner only', async () => {
  let revision = 1;
  const saver = objectSaver({
    file,
    parked: [],
    snapshot: () => ({ revision: revision++, objects: [] }),
    servicePorts: () => ({}),
    onError: () => undefined,
  });

  saver.changed();
  saver.changed();
  await saver.flush();

  expect(await readdir(join(folder, 'deep'))).toEqual(['objects.json']);
  expect(
    (JSON.parse(await readFile(file, 'utf8')) as { snapshot: Snapshot }).snapshot.revision,
  ).toBe(1);
});

test('nothing saved is nothing loaded, and an unreadable file names the way out', async () => {
  expect((await loadObjects(file, isMine)).snapshot).toBeUndefined();

  await save();
  await writeFile(file, '{"half');

  await expect(loadObjects(file, isMine)).rejects.toThrow('--fresh');
});

test('a second play on one state folder is refused with the pid of the first', async () => {
  const lock = join(folder, 'play.lock');

  await withStateLock(lock, async () => {
    await expect(withStateLock(lock, async () => undefined)).rejects.toThrow(
      `(process ${String(process.pid)}) uses this state folder`,
    );
  });
  await withStateLock(lock, async () => undefined);
});

test('a failure inside the lock is not taken for a refusal of it', async () => {
  const lock = join(folder, 'play.lock');

  await expect(
    withStateLock(lock, async () => {
      throw new Error('of the work');
    }),
  ).rejects.toThrow('of the work');
});
