/** Server-side apply: ownership of fields, the status and scale subresources, the replica hand-over. */
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
  trimmed,
  type MakeTarget,
} from './target.ts';

const one = { fieldManager: 'one' };
const two = { fieldManager: 'two' };

export function applyContract(makeTarget: MakeTarget): void {
  describe('apply', () => {
    let api: KubeApi;
    let namespace: string;
    const ref = () => ({ namespace, name });
    const data = async () => (await api.get(configMaps, ref()))?.['data'];

    beforeEach(async () => {
      ({ api, namespace } = await makeTarget());
    });

    test('creates an object, then changes just the fields it names', async () => {
      await api.apply(configMaps, configMap(namespace, { a: '1' }), one);
      await api.apply(configMaps, configMap(namespace, { b: '2' }), two);

      await api.apply(configMaps, configMap(namespace, { a: '3' }), one);

      expect(await data()).toEqual({ a: '3', b: '2' });
    });

    test('removes what its manager applied before and names no longer', async () => {
      const labels = { x: '1', y: '2' };
      await api.apply(configMaps, configMap(namespace, { a: '1', b: '2' }, { labels }), one);

      const given = configMap(namespace, { a: '1' }, { labels: { x: '1' } });
      const applied = await api.apply(configMaps, given, one);

      expect(applied['data']).toEqual({ a: '1' });
      expect(applied.metadata.labels).toEqual({ x: '1' });
    });

    test('keeps a field that its manager lets go while another owns it too', async () => {
      await api.apply(configMaps, configMap(namespace, { a: '1', b: '2' }), one);
      await api.apply(configMaps, configMap(namespace, { b: '2' }), two);

      await api.apply(configMaps, configMap(namespace, { a: '1' }), one);
      expect(await data()).toEqual({ a: '1', b: '2' });

      await api.apply(configMaps, configMap(namespace, {}), two);
      expect(await data()).toEqual({ a: '1' });
    });

    test('refuses to change a field of another manager, and names both', async () => {
      await api.apply(configMaps, configMap(namespace, { a: '1' }), one);

      const apply = api.apply(configMaps, configMap(namespace, { a: '2', b: '3' }), two);

      await expect(apply).rejects.toMatchObject({
        reason: 'Conflict',
        message: expect.stringMatching(/"one".*\.data\.a/) as string,
      });
      expect(await data()).toEqual({ a: '1' });
    });

    test('takes a field over by force: the former owner can then neither change nor remove it', async () => {
      await api.apply(configMaps, configMap(namespace, { a: '1', b: '1' }), one);

      await api.apply(configMaps, configMap(namespace, { a: '2' }), { ...two, force: true });
      const back = api.apply(configMaps, configMap(namespace, { a: '1', b: '1' }), one);
      await expect(back).rejects.toMatchObject({ reason: 'Conflict' });
      await api.apply(configMaps, configMap(namespace, { b: '1' }), one);

      expect(await data()).toEqual({ a: '2', b: '1' });
    });

    test('leaves no claim of the former owner on a field that was taken by force', async () => {
      await api.apply(configMaps, configMap(namespace, { a: '1' }), one);
      await api.apply(configMaps, configMap(namespace, { a: '2' }), { ...two, force: true });

      await api.apply(configMaps, configMap(namespace, { a: '3' }), two);
      await api.apply(configMaps, configMap(namespace, {}), two);

      expect((await data()) ?? {}).toEqual({});
    });

    test('owns what it applied with the same value as somebody else, without a conflict', async () => {
      await api.create(configMaps, configMap(namespace, { a: '1' }));

      await api.apply(configMaps, configMap(namespace, { a: '1' }), one);
      const change = api.apply(configMaps, configMap(namespace, { a: '2' }), one);

      await expect(change).rejects.toMatchObject({ reason: 'Conflict' });
    });

    test('gives a field to whoever patches it', async () => {
      await api.apply(configMaps, configMap(namespace, { a: '1', b: '1' }), one);

      await api.patch(configMaps, ref(), { data: { a: '2' } });
      const change = api.apply(configMaps, configMap(namespace, { a: '3' }), two);

      await expect(change).rejects.toMatchObject({
        reason: 'Conflict',
        message: expect.not.stringContaining('"one"') as string,
      });
    });

    test('keeps the version when the same is applied again', async () => {
      // Not a Deployment, since its controller may write the status in between, and no custom resource:
      // a real server writes one once more at the first apply that changes nothing (measured on 1.35).
      const first = await api.apply(configMaps, configMap(namespace, { a: '1' }), one);

      const second = await api.apply(configMaps, configMap(namespace, { a: '1' }), one);

      expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
      expect(second.metadata.generation).toBe(first.metadata.generation);
    });

    test('lets each manager keep its own finalizers', async () => {
      const finalizer = (own: string) => ({ finalizers: [`example.dev/${own}`] });
      await api.apply(configMaps, configMap(namespace, {}, finalizer('one')), one);
      await api.apply(configMaps, configMap(namespace, {}, finalizer('two')), two);

      const applied = await api.apply(configMaps, configMap(namespace, {}), one);

      expect(applied.metadata.finalizers).toEqual(['example.dev/two']);
    });

    test('writes status and spec apart: neither way touches the other', async () => {
      const status = { observedGeneration: 7 };
      const spec = { suspend: true };
      await api.apply(csvImports, { ...csvImport(namespace), status }, one);
      const afterSpec = await api.get(csvImports, ref());

      await api.applyStatus(csvImports, { ...csvImport(namespace, spec), status }, one);
      const afterStatus = await api.get(csvImports, ref());
      await api.apply(csvImports, csvImport(namespace, spec), one);
      const afterBoth = await api.get(csvImports, ref());

      expect(afterSpec?.['status']).toEqual({ observedGeneration: -1 });
      expect(afterStatus?.['status']).toEqual(status);
      expect(afterStatus?.['spec']).not.toHaveProperty('suspend');
      expect(afterBoth?.['status']).toEqual(status);
      expect(afterBoth?.['spec']).toHaveProperty('suspend', true);
    });

    test('takes no status from a create or a patch', async () => {
      const status = { observedGeneration: 7 };
      await api.create(csvImports, { ...csvImport(namespace), status });
      const created = await api.get(csvImports, ref());

      await api.patch(csvImports, ref(), { status, spec: { suspend: true } });

      const patched = await api.get(csvImports, ref());
      expect(created?.['status']).toEqual({ observedGeneration: -1 });
      expect(patched?.['status']).toEqual({ observedGeneration: -1 });
      expect(patched?.['spec']).toHaveProperty('suspend', true);
    });

    test('replaces the status that its manager wrote before', async () => {
      const write = (status: object) =>
        api.applyStatus(csvImports, { ...csvImport(namespace), status }, one);
      await api.create(csvImports, csvImport(namespace));
      await write({ observedGeneration: 1, percent: 50, workers: { wanted: 2, ready: 1 } });

      const written = await write({ observedGeneration: 1, workers: { wanted: 2, ready: 2 } });

      expect(written['status']).toEqual({
        observedGeneration: 1,
        workers: { wanted: 2, ready: 2 },
      });
    });

    test('refuses a status for an object that is gone or was replaced', async () => {
      const status = { observedGeneration: 1 };
      const missing = api.applyStatus(csvImports, { ...csvImport(namespace), status }, one);
      await expect(missing).rejects.toMatchObject({ reason: 'NotFound' });

      const { metadata } = trimmed(await api.create(csvImports, csvImport(namespace)));
      await api.patch(csvImports, ref(), { metadata: { labels: { a: 'b' } } });
      const stale = api.applyStatus(csvImports, { ...csvImport(namespace), metadata, status }, one);
      await expect(stale).rejects.toMatchObject({ reason: 'Conflict' });
    });
  });

  describe('replicas', () => {
    let api: KubeApi;
    let namespace: string;
    const ref = () => ({ namespace, name });
    const replicas = async () => (await api.get(deployments, ref()))?.['spec'];
    const scaler = { fieldManager: 'scaler' };

    beforeEach(async () => {
      ({ api, namespace } = await makeTarget());
    });

    test('are 1 when nobody says how many', async () => {
      await api.apply(deployments, deployment(namespace), one);

      expect(await replicas()).toHaveProperty('replicas', 1);
    });

    test('fall back to 1 when their only owner stops naming them', async () => {
      await api.apply(deployments, deployment(namespace, { replicas: 4 }), one);

      await api.apply(deployments, deployment(namespace), one);

      expect(await replicas()).toHaveProperty('replicas', 1);
    });

    test('are handed over: applied as 0, co-owned through scale, then omitted and scaled', async () => {
      await api.apply(deployments, deployment(namespace, { replicas: 0 }), one);
      await api.scale(deployments, ref(), { ...scaler, replicas: 0, force: true });
      await api.apply(deployments, deployment(namespace), one);
      expect(await replicas()).toHaveProperty('replicas', 0);

      await api.scale(deployments, ref(), { ...scaler, replicas: 3 });
      await api.apply(deployments, deployment(namespace), one);

      expect(await replicas()).toHaveProperty('replicas', 3);
    });

    test('go to an autoscaler that scales too, and stay with it whatever is applied', async () => {
      const autoscaler = { fieldManager: 'autoscaler', force: true };
      await api.apply(deployments, deployment(namespace, { replicas: 0 }), one);
      await api.scale(deployments, ref(), { ...scaler, replicas: 2, force: true });
      await api.apply(deployments, deployment(namespace), one);

      await api.scale(deployments, ref(), { ...autoscaler, replicas: 5 });
      await api.apply(deployments, deployment(namespace), one);
      expect(await replicas()).toHaveProperty('replicas', 5);

      const back = api.scale(deployments, ref(), { ...scaler, replicas: 2 });
      await expect(back).rejects.toMatchObject({
        reason: 'Conflict',
        message: expect.stringContaining('"autoscaler" with subresource "scale"') as string,
      });
    });

    test('go to an autoscaler that updates them, and come back at the number that is there', async () => {
      await api.apply(deployments, deployment(namespace, { replicas: 0 }), one);
      await api.scale(deployments, ref(), { ...scaler, replicas: 2, force: true });
      await api.apply(deployments, deployment(namespace), one);

      await api.patch(deployments, ref(), { spec: { replicas: 5 } });
      await api.apply(deployments, deployment(namespace), one);
      expect(await replicas(), 'nobody who applies owns them').toHaveProperty('replicas', 5);

      await api.scale(deployments, ref(), { ...scaler, replicas: 5, force: true });
      await api.apply(deployments, deployment(namespace), one);
      expect(await replicas(), 'taken back as they were').toHaveProperty('replicas', 5);
      await api.scale(deployments, ref(), { ...scaler, replicas: 3, force: true });
      await api.apply(deployments, deployment(namespace), one);
      expect(await replicas()).toHaveProperty('replicas', 3);
    });

    test('of 0 are taken over by force only, since a Scale of 0 names none', async () => {
      await api.apply(deployments, deployment(namespace, { replicas: 0 }), one);
      const same = api.scale(deployments, ref(), { ...scaler, replicas: 0 });
      await expect(same).rejects.toMatchObject({ reason: 'Conflict' });

      await api.patch(deployments, ref(), { spec: { replicas: 2 } });
      await api.apply(deployments, deployment(namespace, { replicas: 2 }), one);
      await api.scale(deployments, ref(), { ...scaler, replicas: 2 });
      await api.apply(deployments, deployment(namespace), one);

      expect(await replicas()).toHaveProperty('replicas', 2);
    });

    test('cannot be scaled while another manager applies them, except by force', async () => {
      await api.apply(deployments, deployment(namespace, { replicas: 0 }), one);

      const scale = api.scale(deployments, ref(), { ...scaler, replicas: 3 });
      await expect(scale).rejects.toMatchObject({
        reason: 'Conflict',
        message: expect.stringContaining('.spec.replicas') as string,
      });
      await api.scale(deployments, ref(), { ...scaler, replicas: 3, force: true });

      expect(await replicas()).toHaveProperty('replicas', 3);
    });

    test('are all that scaling changes, and scaling is a new generation', async () => {
      const before = await api.apply(deployments, deployment(namespace, { replicas: 0 }), one);

      await api.scale(deployments, ref(), { ...scaler, replicas: 2, force: true });
      const after = await api.get(deployments, ref());

      expect(after?.['spec']).toEqual({ ...(before['spec'] as object), replicas: 2 });
      expect(after?.metadata.generation).toBe(2);
    });

    test('cannot be set on what does not exist or does not scale', async () => {
      const scales = await Promise.allSettled([
        api.scale(deployments, ref(), { ...scaler, replicas: 1 }),
        api.scale(configMaps, ref(), { ...scaler, replicas: 1 }),
      ]);

      const refused = { status: 'rejected', reason: { reason: 'NotFound' } };
      expect(scales).toMatchObject([refused, refused]);
    });
  });
}
