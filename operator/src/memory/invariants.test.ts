/** Random writes by several managers: what must hold after every one of them, whatever they were. */
import { isDeepStrictEqual } from 'node:util';
import { kinds } from '@millrace/crds';
import { customResourceDefinition } from '@millrace/crds/crd-yaml';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { configMaps, csvImport, csvImports, object } from '../../test/contract/target.ts';
import type { KubeObject, OwnerReference, WatchEvent } from '../machinery/kube-api.ts';
import { KubeFailure } from '../machinery/kube-failure.ts';
import { decodePath, getAt, leaves } from './field-paths.ts';
import { createMemoryApi, type MemoryApi } from './memory-api.ts';
import { builtInListTypes } from './list-types.ts';
import { unfold } from './unfolding.ts';

const namespace = 'default';
const definitions = kinds.map(customResourceDefinition);

type Operation =
  | {
      readonly op: 'apply';
      readonly name: string;
      readonly manager: string;
      readonly force: boolean;
      readonly data: Readonly<Record<string, string>>;
      readonly finalizer: boolean;
      readonly owner: string | undefined;
    }
  | { readonly op: 'patch'; readonly name: string; readonly data: Record<string, string | null> }
  | { readonly op: 'release' | 'delete'; readonly name: string }
  | { readonly op: 'spec' | 'status'; readonly manager: string; readonly value: number }
  | { readonly op: 'settle' };

const names = fc.constantFrom('a', 'b', 'c');
const managers = fc.constantFrom('one', 'two');
const keys = fc.constantFrom('x', 'y', 'z.w/v'.replaceAll('/', '-'));
const values = fc.constantFrom('1', '2');

const operations: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant('apply' as const),
      name: names,
      manager: managers,
      force: fc.boolean(),
      data: fc.dictionary(keys, values, { maxKeys: 3, noNullPrototype: true }),
      finalizer: fc.boolean(),
      owner: fc.option(names, { nil: undefined }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('patch' as const),
      name: names,
      data: fc.dictionary(keys, fc.option(values), { maxKeys: 2, noNullPrototype: true }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constantFrom('release' as const, 'delete' as const),
      name: names,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constantFrom('spec' as const, 'status' as const),
      manager: managers,
      value: fc.integer({ min: 0, max: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('settle' as const) }) },
);

async function perform(api: MemoryApi, operation: Operation): Promise<void> {
  switch (operation.op) {
    case 'apply':
      return applyTwice(api, operation);
    case 'patch': {
      const { name, data } = operation;
      await api.patch(configMaps, { namespace, name }, { data });
      return;
    }
    case 'release': {
      const patch = { metadata: { finalizers: null } };
      await api.patch(configMaps, { namespace, name: operation.name }, patch);
      return;
    }
    case 'delete':
      await api.delete(configMaps, { namespace, name: operation.name });
      return;
    case 'spec': {
      const given = csvImport(namespace, { workers: { max: operation.value + 1 } });
      await api.apply(csvImports, given, { fieldManager: operation.manager, force: true });
      return;
    }
    case 'status': {
      const status = { observedGeneration: operation.value };
      const given = { ...csvImport(namespace), status };
      await api.applyStatus(csvImports, given, { fieldManager: operation.manager, force: true });
      return;
    }
    case 'settle':
      return settled();
  }
}

/** An apply that succeeds has its fields in place, and the same again is no write. */
async function applyTwice(
  api: MemoryApi,
  operation: Extract<Operation, { readonly op: 'apply' }>,
): Promise<void> {
  const { name, data, manager, force, finalizer, owner } = operation;
  const parent = owner && (await api.get(configMaps, { namespace, name: owner }));
  const metadata = {
    ...(finalizer ? { finalizers: ['example.dev/wait'] } : {}),
    ...(parent ? { ownerReferences: [reference(parent)] } : {}),
  };
  const given = object(configMaps, { namespace, name }, { data, metadata });
  const options = { fieldManager: manager, force };

  const applied = await api.apply(configMaps, given, options);
  expect(applied['data'] ?? {}).toMatchObject(data);
  const again = await api.apply(configMaps, given, options);
  // Taking away the last finalizer of a marked object removes it: applying then makes another.
  if (applied.metadata.deletionTimestamp === undefined) expect(again).toEqual(applied);
}

function reference({ apiVersion, kind, metadata }: KubeObject): OwnerReference {
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid ?? '' };
}

/** The collector runs between turns; each pass may make the next one necessary. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 6; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function history(api: MemoryApi, type: typeof configMaps): Promise<WatchEvent[]> {
  const stop = new AbortController();
  const seen: WatchEvent[] = [];
  // A bookmark that says nothing new is passed over by a watch that begins after it.
  if (api.snapshot().revision === 1) return seen;
  api.bookmark();
  for await (const event of api.watch(type, { resourceVersion: '1', signal: stop.signal })) {
    if (event.type === 'BOOKMARK') break;
    seen.push(event);
  }
  return seen;
}

/** Every owned field is there, and every field of a ConfigMap has an owner. */
function expectOwnersToFit(api: MemoryApi): void {
  for (const { type, object: stored, owners } of api.snapshot().objects) {
    const unfolded = unfold({ ...stored }, builtInListTypes(type.kind));
    const owned = new Set(Object.values(owners).flat());
    for (const path of owned) expect(getAt(unfolded, decodePath(path))).toBeDefined();
    if (type.kind !== 'ConfigMap') continue;
    for (const path of leaves(unfolded['data'] ?? undefined, ['data'])) {
      expect(owned).toContain(JSON.stringify(path));
    }
  }
}

async function expectHistoryToFit(api: MemoryApi, type: typeof configMaps): Promise<void> {
  const live = new Map<string, KubeObject>();
  const ended = new Set<string>();
  let version = 1;
  for (const event of await history(api, type)) {
    if (event.type === 'BOOKMARK') continue;
    const { metadata } = event.object;
    const uid = metadata.uid ?? '';
    const before = live.get(metadata.name);

    expect(Number(metadata.resourceVersion)).toBeGreaterThan(version);
    version = Number(metadata.resourceVersion);
    expect(ended).not.toContain(uid);
    expect(event.type === 'ADDED').toBe(before === undefined);
    expect(before?.metadata.uid ?? uid).toBe(uid);
    if (before !== undefined && event.type === 'MODIFIED') expectGeneration(before, event.object);

    if (event.type !== 'DELETED') live.set(metadata.name, event.object);
    else {
      live.delete(metadata.name);
      ended.add(uid);
    }
  }
  const { items } = await api.list(type);
  expect([...live.values()].toSorted(byName)).toEqual(items);
}

const byName = (left: KubeObject, right: KubeObject) =>
  left.metadata.name < right.metadata.name ? -1 : 1;

function expectGeneration(before: KubeObject, after: KubeObject): void {
  const { generation, deletionTimestamp } = after.metadata;
  if (before.metadata.generation === undefined) {
    expect(generation).toBeUndefined();
    return;
  }
  const isMarked = deletionTimestamp !== before.metadata.deletionTimestamp;
  const isChanged = !isDeepStrictEqual(before['spec'], after['spec']);
  expect(generation).toBe(before.metadata.generation + (isMarked || isChanged ? 1 : 0));
}

async function expectNoOrphans(api: MemoryApi): Promise<void> {
  await settled();
  const { items } = await api.list(configMaps);
  const uids = new Set(items.map(({ metadata }) => metadata.uid));
  for (const { metadata } of items) {
    const owners = metadata.ownerReferences ?? [];
    const hasOwner = owners.length === 0 || owners.some(({ uid }) => uids.has(uid));
    // An orphan with finalizers is marked, and waits for whoever set them.
    expect(hasOwner || metadata.deletionTimestamp !== undefined).toBe(true);
  }
}

test('any sequence of writes keeps versions, owners, generations, history and ownership true', async () => {
  const property = fc.asyncProperty(fc.array(operations, { maxLength: 30 }), async (sequence) => {
    let uids = 0;
    const newUid = () => `uid-${(uids += 1)}`;
    const api = createMemoryApi({ now: () => 0, newUid, kinds: definitions });
    for (const operation of sequence) {
      const before = api.snapshot();
      await perform(api, operation).catch((error: unknown) => {
        if (!(error instanceof KubeFailure)) throw error;
        // Refused writes change nothing; of an apply made twice, the first may have been accepted.
        if (operation.op !== 'apply') expect(api.snapshot()).toEqual(before);
      });
      expectOwnersToFit(api);
    }
    await expectHistoryToFit(api, configMaps);
    await expectHistoryToFit(api, csvImports);
    await expectNoOrphans(api);

    const snapshot = api.snapshot();
    const restored = createMemoryApi({ now: () => 0, newUid, kinds: definitions, snapshot });
    expect(restored.snapshot()).toEqual(snapshot);
  });

  await fc.assert(property, { numRuns: 150 });
});
