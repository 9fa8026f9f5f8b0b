/** Writes that depend on what is there, and writes that only ask what would happen. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { KubeApi } from '../../src/machinery/kube-api.ts';
import {
  configMap,
  configMaps,
  csvImport,
  csvImports,
  deployment,
  deployments,
  name,
  object,
  type MakeTarget,
} from './target.ts';

const one = { fieldManager: 'one' };
const two = { fieldManager: 'two' };

export function preconditionsContract(makeTarget: MakeTarget): void {
  let api: KubeApi;
  let namespace: string;
  const ref = () => ({ namespace, name });

  beforeEach(async () => {
    ({ api, namespace } = await makeTarget());
  });

  describe('a version in an apply', () => {
    test('lets one of two writers win who read the same', async () => {
      const { metadata } = await api.create(configMaps, configMap(namespace, {}));
      const { resourceVersion = '' } = metadata;
      const write = (a: string) =>
        api.apply(configMaps, configMap(namespace, { a }, { resourceVersion }), one);

      await write('1');

      await expect(write('2')).rejects.toMatchObject({ reason: 'Conflict' });
      expect((await api.get(configMaps, ref()))?.['data']).toEqual({ a: '1' });
    });

    test('is not enough against writing to what is gone: only the uid is', async () => {
      const { metadata } = await api.create(configMaps, configMap(namespace, {}));
      await api.delete(configMaps, ref());
      const { resourceVersion = '' } = metadata;

      const given = configMap(namespace, { a: '1' }, { resourceVersion });
      const applied = await api.apply(configMaps, given, one);

      expect(applied.metadata.uid).not.toBe(metadata.uid);
    });

    test('fences a status too, of which two managers may each own a part', async () => {
      const status = (fields: object, resourceVersion: string) => {
        const given = csvImport(namespace);
        const metadata = { ...given.metadata, resourceVersion };
        return { ...given, metadata, status: fields };
      };
      const { metadata } = await api.create(csvImports, csvImport(namespace));
      const { resourceVersion = '' } = metadata;

      const first = await api.applyStatus(
        csvImports,
        status({ observedGeneration: 1 }, resourceVersion),
        one,
      );
      const late = api.applyStatus(csvImports, status({ percent: 5 }, resourceVersion), two);
      await expect(late).rejects.toMatchObject({ reason: 'Conflict' });
      const current = first.metadata.resourceVersion ?? '';
      const second = await api.applyStatus(csvImports, status({ percent: 5 }, current), two);

      expect(second['status']).toEqual({ observedGeneration: 1, percent: 5 });
    });
  });

  describe('a dry run', () => {
    const dry = { ...one, dryRun: true };

    test('answers with what would be, and stores nothing', async () => {
      const would = await api.apply(configMaps, configMap(namespace, { a: '1' }), dry);

      expect(would['data']).toEqual({ a: '1' });
      expect(would.metadata.name).toBe(name);
      expect(await api.get(configMaps, ref())).toBeUndefined();
    });

    test('of a change leaves the object and its version as they are', async () => {
      const before = await api.apply(csvImports, csvImport(namespace), one);

      const given = csvImport(namespace, { suspend: true });
      const would = await api.apply(csvImports, given, dry);

      expect(would['spec']).toHaveProperty('suspend', true);
      expect(would.metadata.generation).toBe(2);
      expect(would.metadata.resourceVersion).toBe(before.metadata.resourceVersion);
      expect(await api.get(csvImports, ref())).toEqual(before);
    });

    test('refuses what the write itself would be refused', async () => {
      await api.apply(configMaps, configMap(namespace, { a: '1' }), one);

      const refusals = await Promise.allSettled([
        api.apply(configMaps, configMap(namespace, { a: '2' }), { ...two, dryRun: true }),
        api.apply(csvImports, csvImport(namespace, { workers: { min: 3, max: 2 } }), dry),
        api.apply(configMaps, object(configMaps, { namespace, name: 'Users' }, {}), dry),
      ]);

      expect(refusals).toMatchObject([
        { status: 'rejected', reason: { reason: 'Conflict' } },
        { status: 'rejected', reason: { reason: 'Invalid' } },
        { status: 'rejected', reason: { reason: 'Invalid' } },
      ]);
    });

    test('of a status and of a scale store nothing either', async () => {
      await api.create(csvImports, csvImport(namespace));
      await api.apply(deployments, deployment(namespace), one);

      const status = { observedGeneration: 9 };
      await api.applyStatus(csvImports, { ...csvImport(namespace), status }, dry);
      await api.scale(deployments, ref(), { ...dry, replicas: 7, force: true });

      const resource = await api.get(csvImports, ref());
      expect(resource?.['status']).toEqual({ observedGeneration: -1 });
      expect((await api.get(deployments, ref()))?.['spec']).toHaveProperty('replicas', 1);
    });
  });
}
