import { expect, test } from 'vitest';
import { createMemoryApi, type MemoryApi } from '@millrace/operator/memory/memory-api';
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import { playManager } from './apply-manifests.ts';
import { podType } from './controllers/workload.ts';
import { drainServices, resumeServices, type DrainOptions } from './drain.ts';
import { definitions } from './manifest-problems.ts';
import type { Manifest } from './manifests.ts';

function manifest(kind: 'IncrementPipeline' | 'CsvImport', spec: object = {}): Manifest {
  const source = { source: { volume: { claimName: 'data', path: 'a.csv' } } };
  return {
    type: {
      apiVersion: 'millrace.dev/v1alpha1',
      kind,
      plural: `${kind.toLowerCase()}s`,
    },
    object: {
      apiVersion: 'millrace.dev/v1alpha1',
      kind,
      metadata: { name: 'a', namespace: 'default' },
      spec: { target: { table: 'a' }, ...(kind === 'CsvImport' ? source : {}), ...spec },
    },
    isResource: true,
    file: 'a.yaml',
    whereIs: () => 'a.yaml:1',
  };
}

/** An API with the resource of the manifest and one pod of it. */
async function cluster(one: Manifest) {
  let uids = 0;
  const api = createMemoryApi({
    now: () => 0,
    newUid: () => `uid-${String((uids += 1))}`,
    kinds: definitions,
  });
  const { metadata } = await api.apply(one.type, one.object, { fieldManager: playManager });
  await api.create(podType, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'a-0',
      namespace: 'default',
      labels: { 'millrace.dev/uid': metadata.uid ?? '' },
    },
    spec: { containers: [{ name: 'worker', image: 'any' }] },
  });
  const said: string[] = [];
  const options = (graceMs: number): DrainOptions => ({
    api,
    manifests: [one],
    graceMs,
    say: (line) => said.push(line),
  });
  return { api, said, options };
}

async function specOf(api: MemoryApi, { type, object }: Manifest): Promise<unknown> {
  return (await api.get(type, object.metadata))?.['spec'];
}

test('a service is suspended, waited for until its pods are gone, and is on disk as it was written', async () => {
  const one = manifest('IncrementPipeline');
  const { api, said, options } = await cluster(one);

  const draining = drainServices(options(30_000));
  await expect.poll(async () => specOf(api, one)).toMatchObject({ suspend: true });
  await api.delete(podType, { namespace: 'default', name: 'a-0' });
  const drained = await draining;
  await resumeServices(options(0));

  expect(drained.map(({ metadata }) => metadata.name)).toEqual(['a']);
  expect(said).toEqual([
    'ending: IncrementPipeline default/a takes no more, and commits what it has taken',
  ]);
  expect(await specOf(api, one)).toEqual(one.object['spec']);
});

test('one that is not drained in time is named, and what it holds is not given up', async () => {
  const one = manifest('IncrementPipeline');
  const { api, said, options } = await cluster(one);

  await drainServices(options(0));

  expect(said[1]).toMatch(/default\/a is not drained in time; .* the next run commits it/);
  expect((await api.list(podType)).items).toHaveLength(1);
});

test.each([
  ['an import', manifest('CsvImport')],
  ['a service that is meant to be suspended', manifest('IncrementPipeline', { suspend: true })],
])('%s is left alone', async (_what, one) => {
  const { api, said, options } = await cluster(one);

  const drained: readonly KubeObject[] = await drainServices(options(0));
  await resumeServices(options(0));

  expect(drained).toEqual([]);
  expect(said).toEqual([]);
  expect(await specOf(api, one)).toEqual(one.object['spec']);
});
