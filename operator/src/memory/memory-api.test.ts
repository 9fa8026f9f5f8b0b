/** What only this adapter promises: persistence, bounded history, faults on demand. */
import { randomUUID } from 'node:crypto';
import { kinds } from '@millrace/crds';
import { customResourceDefinition } from '@millrace/crds/crd-yaml';
import { describe, expect, test, vi } from 'vitest';
import {
  configMap,
  configMaps,
  csvImport,
  csvImports,
  deployment,
  deployments,
  name,
  object,
} from '../../test/contract/target.ts';
import type { WatchEvent } from '../machinery/kube-api.ts';
import { KubeFailure } from '../machinery/kube-failure.ts';
import { createMemoryApi, type MemoryApi, type MemoryApiOptions } from './memory-api.ts';

const namespace = 'default';
const ref = { namespace, name };
const one = { fieldManager: 'one' };
const secrets = { apiVersion: 'v1', kind: 'Secret', plural: 'secrets' };

function memoryApi(options: Partial<MemoryApiOptions> = {}): MemoryApi {
  return createMemoryApi({
    now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 678),
    newUid: () => randomUUID(),
    kinds: kinds.map(customResourceDefinition),
    ...options,
  });
}

/** The first events of a watch on ConfigMaps. */
async function events(api: MemoryApi, count: number, from = '1'): Promise<WatchEvent[]> {
  const { signal } = new AbortController();
  const seen: WatchEvent[] = [];
  for await (const event of api.watch(configMaps, { resourceVersion: from, signal })) {
    seen.push(event);
    if (seen.length === count) break;
  }
  return seen;
}

describe('a snapshot', () => {
  test('brings back objects as they were: uids, versions, times and field owners', async () => {
    const api = memoryApi();
    const created = await api.apply(csvImports, csvImport(namespace), one);
    await api.apply(deployments, deployment(namespace, { replicas: 0 }), one);
    await api.scale(deployments, ref, { fieldManager: 'two', replicas: 0, force: true });

    const json = JSON.stringify(api.snapshot());
    const again = memoryApi({ snapshot: JSON.parse(json) });

    expect(await again.get(csvImports, ref)).toEqual(created);
    expect(JSON.stringify(again.snapshot())).toBe(json);
    const applied = await again.apply(deployments, deployment(namespace), one);
    expect(applied['spec']).toHaveProperty('replicas', 0);
  });

  test('goes on counting versions where it ended', async () => {
    const api = memoryApi();
    await api.create(configMaps, configMap(namespace, { a: '1' }));
    const snapshot = api.snapshot();

    const again = memoryApi({ snapshot });
    const patched = await again.patch(configMaps, ref, { data: { a: '2' } });

    expect(Number(patched.metadata.resourceVersion)).toBe(snapshot.revision + 1);
  });

  test('lets a watch resume from its own version only: older ones must list again', async () => {
    const api = memoryApi();
    await api.create(configMaps, configMap(namespace, { a: '1' }));
    const snapshot = api.snapshot();

    const again = memoryApi({ snapshot });
    const older = events(again, 1, String(snapshot.revision - 1));
    await expect(older).rejects.toMatchObject({ reason: 'Gone' });
    await again.patch(configMaps, ref, { data: { a: '2' } });

    expect(await events(again, 1, String(snapshot.revision))).toHaveLength(1);
  });

  test('collects what lost its owner before it was taken', async () => {
    const api = memoryApi();
    const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'gone', uid: randomUUID() };
    await api.create(configMaps, configMap(namespace, {}, { ownerReferences: [owner] }));
    const snapshot = api.snapshot();

    const again = memoryApi({ snapshot });

    await vi.waitFor(async () => expect(await again.get(configMaps, ref)).toBeUndefined());
  });

  test('is announced after each change, and not after a write that changed nothing', async () => {
    const changed = vi.fn<() => void>();
    const api = memoryApi({ changed });
    await api.apply(configMaps, configMap(namespace, { a: '1' }), one);

    await api.apply(configMaps, configMap(namespace, { a: '1' }), one);

    expect(changed).toHaveBeenCalledTimes(1);
  });
});

describe('the history', () => {
  test('is bounded: a watch from before it ends in Gone, and a list leads on', async () => {
    const api = memoryApi({ historyMax: 2 });
    for (const a of ['1', '2', '3', '4', '5']) {
      await api.apply(configMaps, configMap(namespace, { a }), one);
    }

    await expect(events(api, 1)).rejects.toMatchObject({ reason: 'Gone' });
    const { resourceVersion } = await api.list(configMaps);
    await api.apply(configMaps, configMap(namespace, { a: '6' }), one);

    expect(await events(api, 1, resourceVersion)).toHaveLength(1);
  });

  test('can be forgotten under a watch that is behind', async () => {
    const api = memoryApi();
    await api.create(configMaps, configMap(namespace, { a: '1' }));
    const { signal } = new AbortController();
    const watch = api.watch(configMaps, { resourceVersion: '1', signal });
    await watch.next();
    await api.patch(configMaps, ref, { data: { a: '2' } });

    api.compact();

    await expect(watch.next()).rejects.toMatchObject({ reason: 'Gone' });
  });

  test('refuses a version that it never gave', async () => {
    await expect(events(memoryApi(), 1, '99')).rejects.toMatchObject({ reason: 'Gone' });
    await expect(events(memoryApi(), 1, 'newest')).rejects.toMatchObject({ reason: 'Invalid' });
  });

  test('carries bookmarks with the version that was reached', async () => {
    const api = memoryApi();
    await api.create(deployments, deployment(namespace));

    api.bookmark();

    const { resourceVersion } = await api.list(configMaps);
    expect(await events(api, 1)).toEqual([{ type: 'BOOKMARK', resourceVersion }]);
  });
});

describe('faults', () => {
  test('fail a call before it has any effect', async () => {
    const outage = new KubeFailure('Unavailable', 'the server is away');
    const before = ({ index }: { readonly index: number }) => {
      if (index === 0) throw outage;
    };
    const api = memoryApi({ faults: { before } });

    await expect(api.create(configMaps, configMap(namespace, {}))).rejects.toBe(outage);

    expect(await api.get(configMaps, ref)).toBeUndefined();
  });

  test('lose the answer of a call that had its effect', async () => {
    const after = ({ verb }: { readonly verb: string }) => {
      if (verb === 'create') throw new KubeFailure('ServerTimeout', 'no answer');
    };
    const api = memoryApi({ faults: { after } });

    const create = api.create(configMaps, configMap(namespace, {}));
    await expect(create).rejects.toMatchObject({ reason: 'ServerTimeout' });

    expect(await api.get(configMaps, ref)).toBeDefined();
  });

  test('number the calls and name what they are for', async () => {
    const calls: string[] = [];
    const before = (call: { index: number; verb: string; ref: { name: string } | undefined }) => {
      calls.push(`${call.index} ${call.verb} ${call.ref?.name ?? '*'}`);
    };
    const api = memoryApi({ faults: { before } });

    await api.create(configMaps, configMap(namespace, {}));
    await api.list(configMaps);
    await api.delete(configMaps, ref);

    expect(calls).toEqual([`0 create ${name}`, '1 list *', `2 delete ${name}`]);
  });

  test('hold calls back without changing what each finds when its turn comes', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const api = memoryApi({
      faults: { before: ({ index }) => (index === 0 ? promise : undefined) },
    });
    const late = api.create(configMaps, configMap(namespace, { a: 'late' }));
    await api.create(configMaps, configMap(namespace, { a: 'early' }));

    resolve();

    await expect(late).rejects.toMatchObject({ reason: 'AlreadyExists' });
  });

  test('drop, repeat and hold back events of watches', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const faults: Record<string, (event: WatchEvent) => WatchEvent[] | Promise<WatchEvent[]>> = {
      ADDED: () => [],
      MODIFIED: (event) => [event, event],
      DELETED: (event) => promise.then(() => [event]),
    };
    const api = memoryApi({ faults: { watch: (event) => faults[event.type]?.(event) ?? [event] } });
    await api.create(configMaps, configMap(namespace, { a: '1' }));
    await api.patch(configMaps, ref, { data: { a: '2' } });
    await api.delete(configMaps, ref);

    const seen = events(api, 3);
    resolve();

    expect((await seen).map(({ type }) => type)).toEqual(['MODIFIED', 'MODIFIED', 'DELETED']);
  });
});

describe('objects', () => {
  test('are frozen, also in lists and events', async () => {
    const api = memoryApi();
    await api.create(configMaps, configMap(namespace, { a: '1' }));

    const [event] = await events(api, 1);
    const { items } = await api.list(configMaps);

    const handedOut = [items[0], event !== undefined && 'object' in event && event.object];
    for (const held of handedOut) {
      expect(held).toBeTruthy();
      expect(Object.isFrozen(held)).toBe(true);
      expect(Object.isFrozen(Object(held)['data'])).toBe(true);
    }
  });

  test('have times in whole seconds of the clock that was passed in', async () => {
    const created = await memoryApi().create(configMaps, configMap(namespace, {}));

    expect(created.metadata.creationTimestamp).toBe('2026-01-02T03:04:05Z');
  });

  test('of a resource that is not served are NotFound, and the message says which', async () => {
    const api = memoryApi({ kinds: [] });

    const create = api.create(csvImports, csvImport(namespace));

    await expect(create).rejects.toMatchObject({
      reason: 'NotFound',
      message: expect.stringContaining('millrace.dev/v1alpha1/csvimports') as string,
    });
  });

  test('keep fields with names of JavaScript’s own as plain fields', async () => {
    const api = memoryApi();
    const data = JSON.parse('{"__proto__": "1", "constructor": "2"}') as Record<string, string>;

    await api.apply(configMaps, configMap(namespace, data), one);

    const stored = await api.get(configMaps, ref);
    expect(JSON.stringify(stored?.['data'])).toBe('{"__proto__":"1","constructor":"2"}');
  });
});

describe('Secrets', () => {
  test('store what is given as text in base64', async () => {
    const api = memoryApi();
    const given = object(secrets, ref, { stringData: { URL: 'postgres://u:p@h' } });

    const stored = await api.apply(secrets, given, one);

    expect(stored).not.toHaveProperty('stringData');
    expect(stored['data']).toEqual({ URL: Buffer.from('postgres://u:p@h').toString('base64') });
  });

  test('never show their data in a refusal or a conflict', async () => {
    const api = memoryApi();
    const given = (password: string) =>
      object(secrets, ref, { data: { PASSWORD: password, 'bad key': 'hunter3' } });
    const refused = (write: Promise<unknown>) =>
      write.then(
        () => 'accepted',
        (error: Error) => error.message,
      );
    const wrong = await refused(api.create(secrets, given('hunter2')));

    const valid = (text: string) => object(secrets, ref, { stringData: { PASSWORD: text } });
    await api.apply(secrets, valid('hunter4'), one);
    const conflict = await refused(api.apply(secrets, valid('hunter5'), { fieldManager: 'two' }));

    expect(wrong).toContain('data[PASSWORD]: must be base64');
    expect(conflict).toContain('.data.PASSWORD');
    expect(`${wrong} ${conflict}`).not.toMatch(/hunter|aHVudGVy/);
  });
});
