import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/manual-clock.ts';
import { createMemoryApi, type MemoryApi } from '../memory/memory-api.ts';
import { act, prune, type ActOptions, type Pass } from './act.ts';
import type { KubeObject, ResourceType } from './kube-api.ts';
import type { OwnWrite } from './own-writes.ts';
import { emptyPlan, type Step } from './step.ts';

const type: ResourceType = { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps' };
const owner = 'uid-of-owner';

function wanted(name: string, data: Readonly<Record<string, string>> = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      namespace: 'team',
      name,
      ownerReferences: [
        {
          apiVersion: 'example.com/v1',
          kind: 'Thing',
          name: 'thing',
          uid: owner,
          controller: true,
        },
      ],
    },
    data,
  };
}

function applied(object: KubeObject): Step {
  return { op: 'apply', type, object, reason: 'it is new' };
}

function setting(): { api: MemoryApi; options: ActOptions; writes: OwnWrite[] } {
  const clock = new ManualClock();
  let uids = 0;
  const api = createMemoryApi({ now: () => clock.now(), newUid: () => `uid-${++uids}` });
  const writes: OwnWrite[] = [];
  const record = (write: OwnWrite): number => writes.push(write);
  return {
    api,
    writes,
    options: { api, fieldManager: 'test', scaleManager: 'test-scale', record },
  };
}

async function children(api: MemoryApi): Promise<Pass['children']> {
  const { items } = await api.list(type, { namespace: 'team' });
  return items.map((object) => ({ type, object }));
}

describe('act', () => {
  it('applies in order, tells what changed, and records what its caches must catch up with', async () => {
    const { api, options, writes } = setting();
    const plan = { steps: [applied(wanted('a')), applied(wanted('b'))], keep: [] };

    const { changed } = await act({ owner, plan, children: [] }, options);

    expect(changed).toEqual(['apply ConfigMap/a: it is new', 'apply ConfigMap/b: it is new']);
    const held = await api.get(type, { namespace: 'team', name: 'b' });
    expect(writes.map(({ version }) => version)).toContain(held?.metadata.resourceVersion);
  });

  it('changes nothing the second time', async () => {
    const { api, options, writes } = setting();
    const plan = { steps: [applied(wanted('a', { key: 'value' }))], keep: [] };
    await act({ owner, plan, children: [] }, options);
    writes.length = 0;

    const { changed } = await act({ owner, plan, children: await children(api) }, options);

    expect([changed, writes]).toEqual([[], []]);
  });

  it('removes a field that is no longer wanted', async () => {
    const { api, options } = setting();
    const first = { steps: [applied(wanted('a', { key: 'value', other: 'value' }))], keep: [] };
    const second = { steps: [applied(wanted('a', { key: 'value' }))], keep: [] };
    await act({ owner, plan: first, children: [] }, options);

    await act({ owner, plan: second, children: await children(api) }, options);

    const held = await api.get(type, { namespace: 'team', name: 'a' });
    expect(held?.['data']).toEqual({ key: 'value' });
  });

  it('deletes what it owns and the plan no longer names, and nothing else', async () => {
    const { api, options } = setting();
    const { ownerReferences: _none, ...metadata } = wanted('stranger').metadata;
    await api.create(type, { ...wanted('stranger'), metadata });
    const all = { steps: ['a', 'b', 'c'].map((name) => applied(wanted(name))), keep: [] };
    await act({ owner, plan: all, children: [] }, options);
    const keep = [{ type, ref: { namespace: 'team', name: 'b' } }];

    const plan = { steps: [applied(wanted('a'))], keep };
    await act({ owner, plan, children: await children(api) }, options);

    const left = (await children(api)).map(({ object }) => object.metadata.name);
    expect(left.toSorted()).toEqual(['a', 'b', 'stranger']);
  });

  it('never deletes for an empty plan, which means that nothing is known', async () => {
    const { api, options } = setting();
    await act({ owner, plan: { steps: [applied(wanted('a'))], keep: [] }, children: [] }, options);

    expect(prune({ owner, plan: emptyPlan, children: await children(api) })).toEqual([]);
  });

  it('stops at a wait and deletes nothing in that pass', async () => {
    const { api, options } = setting();
    await act(
      { owner, plan: { steps: [applied(wanted('old'))], keep: [] }, children: [] },
      options,
    );
    const steps: Step[] = [
      applied(wanted('a')),
      { op: 'wait', for: 'the Secret', requeueAfterMs: 5 },
      applied(wanted('b')),
    ];

    const result = await act(
      { owner, plan: { steps, keep: [] }, children: await children(api) },
      options,
    );

    expect(result).toMatchObject({ waitingFor: 'the Secret', requeueAfterMs: 5 });
    const left = (await children(api)).map(({ object }) => object.metadata.name);
    expect(left.toSorted()).toEqual(['a', 'old']);
  });

  it('waits for a child of a deleted predecessor, and refuses one of somebody else', async () => {
    const { api, options } = setting();
    const [reference] = wanted('a').metadata.ownerReferences ?? [];
    const of = (change: object) => ({
      ...wanted('a'),
      metadata: { ...wanted('a').metadata, ownerReferences: [{ ...reference, ...change }] },
    });
    const pass = { owner, plan: { steps: [applied(wanted('a'))], keep: [] }, children: [] };

    await api.create(type, of({ uid: 'uid-before' }) as KubeObject);
    await expect(act(pass, options)).rejects.toMatchObject({ code: 'PredecessorNotGone' });
    await api.delete(type, { namespace: 'team', name: 'a' });
    await api.create(type, of({ uid: 'uid-other', name: 'other' }) as KubeObject);

    await expect(act(pass, options)).rejects.toMatchObject({ code: 'NameTaken' });
  });
});
