import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/manual-clock.ts';
import { createMemoryApi, type MemoryApi } from '../memory/memory-api.ts';
import { act, type ActOptions } from './act.ts';
import type { KubeObject, ResourceType } from './kube-api.ts';
import type { OwnWrite } from './own-writes.ts';
import { describe as line, type Step } from './step.ts';

const type: ResourceType = { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps' };
const ref = { namespace: 'team', name: 'thing' };
const ours = 'example.com/ours';
const theirs = 'example.com/theirs';

interface Setting {
  readonly api: MemoryApi;
  readonly options: ActOptions;
  readonly writes: readonly OwnWrite[];
}

async function setting(finalizers: readonly string[]): Promise<Setting> {
  const clock = new ManualClock();
  const api = createMemoryApi({ now: () => clock.now(), newUid: () => 'uid-1' });
  const { apiVersion, kind } = type;
  await api.create(type, { apiVersion, kind, metadata: { ...ref, finalizers }, data: {} });
  const writes: OwnWrite[] = [];
  const record = (write: OwnWrite): number => writes.push(write);
  return {
    api,
    writes,
    options: { api, fieldManager: 'test', scaleManager: 'test-scale', record },
  };
}

/** As planned from what is there now. */
async function step(api: MemoryApi, isHeld: boolean): Promise<Extract<Step, { op: 'finalizer' }>> {
  const held: KubeObject['metadata'] = (await live(api))?.metadata ?? ref;
  const { uid = '', resourceVersion, finalizers: present = [] } = held;
  const finalizer = {
    op: 'finalizer',
    finalizer: ours,
    present,
    isHeld,
    reason: 'as told',
  } as const;
  return { ...finalizer, type, ref, uid, resourceVersion };
}

const live = (api: MemoryApi): Promise<KubeObject | undefined> => api.get(type, ref);

async function take(steps: readonly Step[], options: ActOptions): Promise<readonly string[]> {
  const plan = { steps, keep: [] };
  return (await act({ owner: 'uid-1', plan, children: [] }, options)).changed;
}

describe('a finalizer', () => {
  it('is put beside those that are there, once', async () => {
    const { api, options, writes } = await setting([theirs]);
    const hold = await step(api, true);

    expect(await take([hold], options)).toEqual([
      'hold ConfigMap/thing by example.com/ours: as told',
    ]);
    expect((await live(api))?.metadata.finalizers).toEqual([theirs, ours]);
    expect(writes).toMatchObject([{ ref, version: (await live(api))?.metadata.resourceVersion }]);
    expect(await take([await step(api, true)], options)).toEqual([]);
  });

  it('is not put on, nor taken off, over what somebody else has changed since', async () => {
    for (const isHeld of [true, false]) {
      const { api, options } = await setting(isHeld ? [] : [ours]);
      const late = await step(api, isHeld);
      const finalizers = isHeld ? [theirs] : [ours, theirs];
      await api.patch(type, ref, { metadata: { finalizers } });

      await expect(take([late], options)).rejects.toMatchObject({ reason: 'Conflict' });
      expect((await live(api))?.metadata.finalizers).toEqual(finalizers);
    }
  });

  it('lets a deleted resource go when it was the last, and leaves those of others', async () => {
    for (const others of [[], [theirs]]) {
      const { api, options } = await setting([...others, ours]);
      await api.delete(type, ref);

      expect(await take([await step(api, false)], options)).toEqual([
        'let ConfigMap/thing go from example.com/ours: as told',
      ]);
      expect((await live(api))?.metadata.finalizers).toEqual(
        others.length === 0 ? undefined : others,
      );
    }
  });

  it('is taken off only after the intent is in, against the version that the intent made', async () => {
    const { api, options } = await setting([ours]);
    const release = await step(api, false);
    const announcing = async (): Promise<KubeObject> =>
      await api.patch(type, ref, { data: { intent: line(release) } });
    const refusing = () => Promise.reject(new Error('a later leader'));

    await expect(take([release], { ...options, intend: refusing })).rejects.toThrow('later leader');
    expect((await live(api))?.metadata.finalizers).toEqual([ours]);

    await take([release], { ...options, intend: announcing });
    expect(await live(api)).toMatchObject({ data: { intent: line(release) } });
    expect((await live(api))?.metadata.finalizers).toBeUndefined();
  });
});
