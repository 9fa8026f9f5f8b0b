/** Watches: which events, in which order, from where, and how they end. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { KubeApi, KubeObject, ListOptions, WatchEvent } from '../../src/machinery/kube-api.ts';
import { configMap, configMaps, name, object, trimmed, type MakeTarget } from './target.ts';

type ObjectEvent = Extract<WatchEvent, { readonly object: KubeObject }>;

export function watchesContract(makeTarget: MakeTarget): void {
  describe('watches', () => {
    let api: KubeApi;
    let namespace: string;
    const ref = () => ({ namespace, name });

    beforeEach(async () => {
      ({ api, namespace } = await makeTarget());
    });

    const version = async () => (await api.list(configMaps, { namespace })).resourceVersion;

    /** The next events of objects; bookmarks may come at any time. */
    async function events(
      count: number,
      resourceVersion: string,
      options: ListOptions = {},
    ): Promise<ObjectEvent[]> {
      const { signal } = new AbortController();
      const seen: ObjectEvent[] = [];
      const watch = { namespace, ...options, resourceVersion, signal };
      for await (const event of api.watch(configMaps, watch)) {
        if (event.type !== 'BOOKMARK') seen.push(event);
        if (seen.length === count) break;
      }
      return seen;
    }

    test('tell every change after the list, in order, each with the object of that moment', async () => {
      const from = await version();
      const created = await api.create(configMaps, configMap(namespace, { a: '1' }));
      const patched = await api.patch(configMaps, ref(), { data: { a: '2' } });
      await api.delete(configMaps, ref());

      const seen = await events(3, from);

      expect(seen.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'DELETED']);
      expect(seen.slice(0, 2).map(({ object: one }) => trimmed(one))).toEqual(
        [created, patched].map(trimmed),
      );
      expect(seen[2]?.object['data']).toEqual({ a: '2' });
      const versions = seen.map(({ object: { metadata } }) => Number(metadata.resourceVersion));
      expect(versions).toEqual(versions.toSorted((a, b) => a - b));
      expect(new Set(versions).size).toBe(3);
    });

    test('of one name, like its list, hold no other object', async () => {
      const from = await version();
      const other = object(configMaps, { namespace, name: 'other' }, {});
      await api.create(configMaps, other);
      await api.create(configMaps, configMap(namespace, { a: '1' }));

      const seen = await events(1, from, { name });

      expect(seen.map(({ object: { metadata } }) => metadata.name)).toEqual([name]);
      const { items } = await api.list(configMaps, { namespace, name });
      expect(items.map(({ metadata }) => metadata.name)).toEqual([name]);
    });

    test('tell changes that come after the watch has begun', async () => {
      const watching = events(1, await version());

      await api.create(configMaps, configMap(namespace, { a: '1' }));

      expect((await watching)[0]?.object.metadata.name).toBe(name);
    });

    test('resume after the version of an event that was seen', async () => {
      const from = await version();
      const created = await api.create(configMaps, configMap(namespace, { a: '1' }));
      await api.patch(configMaps, ref(), { data: { a: '2' } });
      expect(await events(2, from)).toHaveLength(2);

      const [next] = await events(1, created.metadata.resourceVersion ?? '');

      expect(next).toMatchObject({ type: 'MODIFIED', object: { data: { a: '2' } } });
    });

    test('tell nothing of writes that change nothing', async () => {
      const from = await version();
      await api.create(configMaps, configMap(namespace, { a: '1' }));
      await api.patch(configMaps, ref(), { data: { a: '1' } });
      await api.delete(configMaps, ref());

      const seen = await events(2, from);

      expect(seen.map(({ type }) => type)).toEqual(['ADDED', 'DELETED']);
    });

    test('show an object that starts or stops matching the labels as added or deleted', async () => {
      const from = await version();
      const labels = (app: string) => ({ metadata: { labels: { app } } });
      await api.create(configMaps, configMap(namespace, {}, { labels: { app: 'y' } }));
      await api.patch(configMaps, ref(), labels('x'));
      await api.patch(configMaps, ref(), { data: { a: '1' } });
      await api.patch(configMaps, ref(), labels('z'));
      await api.patch(configMaps, ref(), labels('x'));

      const seen = await events(4, from, { labels: { app: 'x' } });

      expect(seen.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'DELETED', 'ADDED']);
    });

    test('see only their namespace and resource', async () => {
      const from = await version();
      await api.create(configMaps, object(configMaps, { namespace, name: 'mine' }, {}));

      const elsewhere = events(1, from, { namespace: `${namespace}-other` });
      const [mine] = await events(1, from);

      expect(mine?.object.metadata.name).toBe('mine');
      const first = await Promise.race([elsewhere, Promise.resolve('nothing yet')]);
      expect(first).toBe('nothing yet');
    });

    test('show a marked object as modified, and as deleted when its last finalizer goes', async () => {
      const from = await version();
      const finalizers = ['example.dev/wait'];
      await api.create(configMaps, configMap(namespace, {}, { finalizers }));
      await api.delete(configMaps, ref());
      await api.patch(configMaps, ref(), { metadata: { finalizers: null } });

      const seen = await events(3, from);

      expect(seen.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'DELETED']);
      expect(seen[1]?.object.metadata.deletionTimestamp).toBeDefined();
    });

    test('that begin from a version that is too old are gone', async () => {
      const { api: own, namespace: team, tooOld } = await makeTarget();
      const { signal } = new AbortController();
      const options = { namespace: team, resourceVersion: await tooOld(), signal };

      const watch = own.watch(configMaps, options)[Symbol.asyncIterator]();

      await expect(watch.next()).rejects.toMatchObject({ reason: 'Gone' });
    });

    test('and lists hand over what their trim leaves of each object', async () => {
      const trim = (given: KubeObject) => ({ ...given, data: { trimmed: 'yes' } });
      const from = await version();
      await api.create(configMaps, configMap(namespace, { a: '1' }));

      const { items } = await api.list(configMaps, { namespace, trim });
      const [added] = await events(1, from, { trim });

      const own = items.find(({ metadata }) => metadata.name === name);
      expect(own).toMatchObject({ kind: 'ConfigMap', data: { trimmed: 'yes' } });
      expect(added?.object['data']).toEqual({ trimmed: 'yes' });
      expect((await api.get(configMaps, ref()))?.['data']).toEqual({ a: '1' });
    });

    test('end when their signal aborts', async () => {
      const stop = new AbortController();
      const options = { namespace, resourceVersion: await version(), signal: stop.signal };
      const ended = (async () => {
        const seen: WatchEvent[] = [];
        for await (const event of api.watch(configMaps, options)) seen.push(event);
        return seen.filter(({ type }) => type !== 'BOOKMARK');
      })();

      stop.abort();

      expect(await ended).toEqual([]);
    });
  });
}
