/** Create, read, patch, preconditions, versions and generations. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { KubeApi, KubeObject } from '../../src/machinery/kube-api.ts';
import {
  configMap,
  configMaps,
  csvImport,
  csvImports,
  deployment,
  deployments,
  job,
  jobs,
  leases,
  name,
  object,
  type MakeTarget,
} from './target.ts';

export function writesContract(makeTarget: MakeTarget): void {
  describe('writes', () => {
    let api: KubeApi;
    let namespace: string;
    const ref = () => ({ namespace, name });

    beforeEach(async () => {
      ({ api, namespace } = await makeTarget());
    });

    test('gives a new object a uid, a version and a time, and returns what it stored', async () => {
      const created = await api.create(configMaps, configMap(namespace, { a: '1' }));

      expect(created.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
      expect(created.metadata.resourceVersion).toMatch(/^[0-9]+$/);
      expect(created.metadata.creationTimestamp).toMatch(/^[0-9-]+T[0-9:]+Z$/);
      expect(await api.get(configMaps, ref())).toEqual(created);
    });

    test('refuses to create what exists, and answers undefined for what does not', async () => {
      await api.create(configMaps, configMap(namespace, {}));

      const again = api.create(configMaps, configMap(namespace, { a: '1' }));

      await expect(again).rejects.toMatchObject({ reason: 'AlreadyExists' });
      expect(await api.get(configMaps, { namespace, name: 'other' })).toBeUndefined();
    });

    test('never changes an object that it handed out', async () => {
      const created = await api.create(configMaps, configMap(namespace, { a: '1' }));
      const before = structuredClone(created);

      await api.patch(configMaps, ref(), { data: { a: '2' } });

      expect(created).toEqual(before);
    });

    test('does not keep what the caller changes after the call', async () => {
      const labels: Record<string, string> = { a: '1' };
      const given = configMap(namespace, { a: '1' }, { labels });
      await api.create(configMaps, given);

      labels['a'] = '2';

      expect((await api.get(configMaps, ref()))?.metadata.labels).toEqual({ a: '1' });
    });

    test('merges a patch, removes what it sets to null, and counts the version up', async () => {
      const created = await api.create(configMaps, configMap(namespace, { a: '1', b: '2' }));

      const patched = await api.patch(configMaps, ref(), { data: { a: null, c: '3' } });

      expect(patched['data']).toEqual({ b: '2', c: '3' });
      expect(Number(patched.metadata.resourceVersion)).toBeGreaterThan(
        Number(created.metadata.resourceVersion),
      );
      expect(patched.metadata.uid).toBe(created.metadata.uid);
    });

    test('keeps the version when a patch changes nothing', async () => {
      const created = await api.create(configMaps, configMap(namespace, { a: '1' }));

      const patched = await api.patch(configMaps, ref(), { data: { a: '1' } });

      expect(patched.metadata.resourceVersion).toBe(created.metadata.resourceVersion);
    });

    test('refuses a patch that would rename', async () => {
      await api.create(configMaps, configMap(namespace, {}));

      const rename = api.patch(configMaps, ref(), { metadata: { name: 'other' } });

      await expect(rename).rejects.toMatchObject({ reason: 'Invalid' });
    });

    test('refuses to patch what does not exist', async () => {
      const patch = api.patch(configMaps, ref(), { data: {} });

      await expect(patch).rejects.toMatchObject({ reason: 'NotFound' });
    });

    test('lets one of two writers win who read the same version', async () => {
      const { metadata } = await api.create(configMaps, configMap(namespace, { a: '1' }));
      const write = (a: string) =>
        api.patch(configMaps, ref(), {
          metadata: { resourceVersion: metadata.resourceVersion },
          data: { a },
        });

      await write('2');
      const second = write('3');

      await expect(second).rejects.toMatchObject({ reason: 'Conflict' });
      expect((await api.get(configMaps, ref()))?.['data']).toEqual({ a: '2' });
    });

    test('refuses a patch or an apply for an object that was replaced under its name', async () => {
      const { metadata } = await api.create(configMaps, configMap(namespace, { a: '1' }));
      await api.delete(configMaps, ref());
      await api.create(configMaps, configMap(namespace, { a: '2' }));
      const { uid } = metadata;

      const given = configMap(namespace, { a: '3' }, { uid });
      const writes = await Promise.allSettled([
        api.patch(configMaps, ref(), { metadata: { uid }, data: { a: '3' } }),
        api.apply(configMaps, given, { fieldManager: 'one', force: true }),
      ]);

      const refused = { status: 'rejected', reason: { reason: 'Conflict' } };
      expect(writes).toMatchObject([refused, refused]);
    });

    test('does not bring back, by an apply with its uid, an object that is gone', async () => {
      const { metadata } = await api.create(configMaps, configMap(namespace, { a: '1' }));
      await api.delete(configMaps, ref());

      const given = configMap(namespace, { a: '1' }, { uid: metadata.uid });
      const apply = api.apply(configMaps, given, { fieldManager: 'one' });

      await expect(apply).rejects.toMatchObject({ reason: 'Conflict' });
      expect(await api.get(configMaps, ref())).toBeUndefined();
    });

    test('starts a new generation for a change of the spec and for nothing else', async () => {
      const generation = async (written: Promise<KubeObject>) =>
        (await written).metadata.generation;
      const status = { ...csvImport(namespace), status: { observedGeneration: 1 } };

      const given = [
        await generation(api.create(csvImports, csvImport(namespace))),
        await generation(api.patch(csvImports, ref(), { metadata: { labels: { a: 'b' } } })),
        await generation(api.applyStatus(csvImports, status, { fieldManager: 'one' })),
        await generation(api.patch(csvImports, ref(), { spec: { suspend: true } })),
        await generation(api.patch(csvImports, ref(), { spec: { suspend: true } })),
      ];

      expect(given).toEqual([1, 1, 1, 2, 2]);
    });

    test('lists by namespace and labels, with a version to watch from', async () => {
      const labelled = (own: string, labels: object) =>
        object(configMaps, { namespace, name: own }, { metadata: { labels } });
      await api.create(configMaps, labelled('b', { app: 'x', tier: '1' }));
      await api.create(configMaps, labelled('a', { app: 'x', tier: '2' }));
      await api.create(configMaps, labelled('c', { app: 'y' }));

      const both = await api.list(configMaps, { namespace, labels: { app: 'x' } });
      const one = await api.list(configMaps, { namespace, labels: { app: 'x', tier: '1' } });
      const none = await api.list(configMaps, { namespace, labels: { app: 'z' } });

      expect(both.items.map(({ metadata }) => metadata.name)).toEqual(['a', 'b']);
      expect(one.items.map(({ metadata }) => metadata.name)).toEqual(['b']);
      expect(none.items).toEqual([]);
      expect(both.resourceVersion).toMatch(/^[0-9]+$/);
    });

    test.each([
      ['a name with capitals', () => object(configMaps, { namespace, name: 'Users' }, {})],
      [
        'a label value with a blank',
        () => configMap(namespace, {}, { labels: { app: 'not a label' } }),
      ],
      [
        'an owner without a uid',
        () => configMap(namespace, {}, { ownerReferences: [{ kind: 'X' }] }),
      ],
    ])('refuses %s', async (_what, given) => {
      const create = api.create(configMaps, given());

      await expect(create).rejects.toMatchObject({ reason: 'Invalid' });
    });

    test('takes the times of a Lease with exactly six digits of a second', async () => {
      const lease = (renewTime: string) =>
        object(leases, { namespace, name }, { spec: { holderIdentity: 'me', renewTime } });
      const create = (renewTime: string) => api.create(leases, lease(renewTime));
      const wrong = await Promise.allSettled(
        ['2030-01-01T00:00:00Z', '2030-01-01T00:00:00.123Z'].map(create),
      );
      expect(wrong).toMatchObject(
        wrong.map(() => ({ status: 'rejected', reason: { reason: 'Invalid' } })),
      );

      const created = await create('2030-01-01T00:00:00.123456Z');

      expect(created['spec']).toMatchObject({ renewTime: '2030-01-01T00:00:00.123456Z' });
    });

    test('refuses a Deployment whose selector misses its pods, and a change of the selector', async () => {
      const missing = api.create(
        deployments,
        deployment(namespace, { selector: { matchLabels: { app: 'other' } } }),
      );
      await expect(missing).rejects.toMatchObject({
        reason: 'Invalid',
        message: expect.stringContaining('spec.') as string,
      });

      await api.create(deployments, deployment(namespace));
      const changed = api.patch(deployments, ref(), {
        spec: {
          selector: { matchLabels: { app: name, tier: '1' } },
          template: { metadata: { labels: { tier: '1' } } },
        },
      });
      await expect(changed).rejects.toMatchObject({ reason: 'Invalid' });
    });

    test('keeps a Job’s template for ever, and lets its suspension change', async () => {
      await api.create(jobs, job(namespace));

      const template = {
        spec: { containers: [{ name: 'main', image: 'registry.example/main:2' }] },
      };
      const change = api.patch(jobs, ref(), { spec: { template } });
      await expect(change).rejects.toMatchObject({
        reason: 'Invalid',
        message: expect.stringContaining('immutable') as string,
      });
      const parallel = await api.patch(jobs, ref(), { spec: { parallelism: 2 } });

      expect(parallel['spec']).toMatchObject({ parallelism: 2, suspend: true });
    });
  });
}
