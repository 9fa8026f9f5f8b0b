/** Deletes, finalizers and the collection of what is owned by what is gone. */
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { KubeApi, KubeObject, OwnerReference } from '../../src/machinery/kube-api.ts';
import {
  configMap,
  configMaps,
  csvImport,
  csvImports,
  job,
  jobs,
  name,
  object,
  type MakeTarget,
} from './target.ts';

const finalizer = 'example.dev/wait';

export function deletionContract(makeTarget: MakeTarget): void {
  describe('deletion', () => {
    let api: KubeApi;
    let namespace: string;
    const ref = () => ({ namespace, name });

    beforeEach(async () => {
      ({ api, namespace } = await makeTarget());
    });

    test('removes an object and says whether there was one', async () => {
      await api.create(configMaps, configMap(namespace, {}));

      expect(await api.delete(configMaps, ref())).toBe(true);
      expect(await api.delete(configMaps, ref())).toBe(false);
      expect(await api.get(configMaps, ref())).toBeUndefined();
    });

    test('deletes only the object and the version that was meant', async () => {
      const { metadata } = await api.create(configMaps, configMap(namespace, { a: '1' }));
      await api.patch(configMaps, ref(), { data: { a: '2' } });
      const { resourceVersion = '' } = metadata;

      const deletes = await Promise.allSettled([
        api.delete(configMaps, ref(), { uid: crypto.randomUUID() }),
        api.delete(configMaps, ref(), { resourceVersion }),
      ]);

      const refused = { status: 'rejected', reason: { reason: 'Conflict' } };
      expect(deletes).toMatchObject([refused, refused]);
      expect(await api.get(configMaps, ref())).toBeDefined();
    });

    test('gives a new object under an old name another uid', async () => {
      const first = await api.create(configMaps, configMap(namespace, {}));
      await api.delete(configMaps, ref());

      const second = await api.create(configMaps, configMap(namespace, {}));

      expect(second.metadata.uid).not.toBe(first.metadata.uid);
    });

    test('waits for the finalizers, takes no new ones, and ends with the last', async () => {
      await api.create(configMaps, configMap(namespace, {}, { finalizers: [finalizer] }));
      await api.delete(configMaps, ref());
      const marked = await api.get(configMaps, ref());

      const more = { metadata: { finalizers: [finalizer, 'example.dev/more'] } };
      const addition = api.patch(configMaps, ref(), more);
      await expect(addition).rejects.toMatchObject({ reason: 'Invalid' });
      await api.patch(configMaps, ref(), { metadata: { finalizers: null } });

      expect(marked?.metadata.deletionTimestamp).toMatch(/Z$/);
      expect(await api.get(configMaps, ref())).toBeUndefined();
    });

    test('keeps the time of the first delete when it is asked again', async () => {
      await api.create(configMaps, configMap(namespace, {}, { finalizers: [finalizer] }));
      await api.delete(configMaps, ref());
      const first = await api.get(configMaps, ref());

      expect(await api.delete(configMaps, ref())).toBe(true);

      expect((await api.get(configMaps, ref()))?.metadata).toEqual(first?.metadata);
    });

    test('is a new generation of an object that it marks', async () => {
      const given = csvImport(namespace);
      await api.create(csvImports, {
        ...given,
        metadata: { ...given.metadata, finalizers: [finalizer] },
      });

      await api.delete(csvImports, ref());

      expect((await api.get(csvImports, ref()))?.metadata.generation).toBe(2);
    });
  });

  describe('garbage collection', () => {
    let api: KubeApi;
    let namespace: string;

    beforeEach(async () => {
      ({ api, namespace } = await makeTarget());
    });

    const owned = (own: string, owners: readonly OwnerReference[]) =>
      object(configMaps, { namespace, name: own }, { metadata: { ownerReferences: owners } });
    const find = (own: string) => api.get(configMaps, { namespace, name: own });

    test('deletes children and their children after their owner, also of a Job', async () => {
      const owner = await api.create(jobs, job(namespace));
      const child = await api.create(configMaps, owned('child', [reference(owner)]));
      await api.create(configMaps, owned('grandchild', [reference(child)]));
      await api.create(configMaps, owned('stranger', []));

      await api.delete(jobs, { namespace, name });

      await vi.waitFor(async () => {
        expect(await find('child')).toBeUndefined();
        expect(await find('grandchild')).toBeUndefined();
      }, waiting);
      expect(await find('stranger')).toBeDefined();
    });

    test('keeps a child that has another owner, without the reference to the lost one', async () => {
      const lost = await api.create(configMaps, owned('lost', []));
      const kept = await api.create(configMaps, owned('kept', []));
      await api.create(configMaps, owned('child', [reference(lost), reference(kept)]));

      await api.delete(configMaps, { namespace, name: 'lost' });

      await vi.waitFor(async () => {
        const references = (await find('child'))?.metadata.ownerReferences;
        expect(references?.map((owner) => owner.name)).toEqual(['kept']);
      }, waiting);
    });

    test('does not take a new object under the owner’s name for the owner', async () => {
      const owner = await api.create(configMaps, owned('owner', []));
      await api.delete(configMaps, { namespace, name: 'owner' });
      await api.create(configMaps, owned('owner', []));

      await api.create(configMaps, owned('child', [reference(owner)]));

      await vi.waitFor(async () => expect(await find('child')).toBeUndefined(), waiting);
    });

    test('takes a child that comes after its owner has gone, or names another kind', async () => {
      const owner = await api.create(configMaps, owned('owner', []));
      await api.create(configMaps, owned('misled', [{ ...reference(owner), kind: 'Secret' }]));
      await vi.waitFor(async () => expect(await find('misled')).toBeUndefined(), waiting);
      await api.delete(configMaps, { namespace, name: 'owner' });
      await new Promise((resolve) => setImmediate(resolve));

      await api.create(configMaps, owned('late', [reference(owner)]));

      await vi.waitFor(async () => expect(await find('late')).toBeUndefined(), waiting);
    });

    test('waits for the finalizers of a child', async () => {
      const owner = await api.create(configMaps, owned('owner', []));
      const child = owned('child', [reference(owner)]);
      await api.create(configMaps, {
        ...child,
        metadata: { ...child.metadata, finalizers: [finalizer] },
      });

      await api.delete(configMaps, { namespace, name: 'owner' });
      await vi.waitFor(async () => {
        expect((await find('child'))?.metadata.deletionTimestamp).toBeDefined();
      }, waiting);
      const patch = { metadata: { finalizers: null } };
      await api.patch(configMaps, { namespace, name: 'child' }, patch);

      expect(await find('child')).toBeUndefined();
    });
  });
}

/** A real collector may first have to look at its discovery and its caches. */
const waiting = { timeout: 30_000, interval: 5 };

function reference({ apiVersion, kind, metadata }: KubeObject): OwnerReference {
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid ?? '' };
}
