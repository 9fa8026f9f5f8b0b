import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/manual-clock.ts';
import { createMemoryApi, type MemoryApi } from '../memory/memory-api.ts';
import { act, prune, type ActOptions, type Pass } from './act.ts';
import type { FoundDrift } from './drift.ts';
import type { KubeObject, ResourceType } from './kube-api.ts';
import { KubeFailure } from './kube-failure.ts';
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

  it('applies what an old server knows where it refuses the whole, and asks once', async () => {
    const { api, options, writes } = setting();
    const otherwise = wanted('a');
    const asked: string[] = [];
    const old: typeof api.apply = async (of, object, how) => {
      asked.push(JSON.stringify(object['data']));
      if (JSON.stringify(object).includes('new')) {
        throw new KubeFailure('InternalError', '.data.new: field not declared in schema');
      }
      return await api.apply(of, object, how);
    };
    const step: Step = {
      op: 'apply',
      type,
      object: wanted('a', { new: '1' }),
      otherwise,
      reason: '',
    };
    const plan = { steps: [step], keep: [] };
    const { get, patch, scale, delete: remove } = options.api;
    const own = {
      ...options,
      api: {
        apply: old,
        get: get.bind(api),
        patch: patch.bind(api),
        scale: scale.bind(api),
        delete: remove.bind(api),
      },
    };

    await act({ owner, plan, children: [] }, own);
    await act({ owner, plan, children: await children(api) }, own);

    expect(asked).toEqual(['{"new":"1"}', '{}']);
    expect(writes).toHaveLength(1);
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

  it('deletes only after the intent is in, and not when it is refused', async () => {
    const { api, options } = setting();
    await act({ owner, plan: { steps: [applied(wanted('a'))], keep: [] }, children: [] }, options);
    const plan = { steps: [applied(wanted('b'))], keep: [] };
    const pass = { owner, plan, children: await children(api) };
    const intended: string[] = [];
    const refusing = { ...options, intend: () => Promise.reject(new Error('changed since')) };

    await expect(act(pass, refusing)).rejects.toThrow('changed since');
    const left = (await children(api)).map(({ object }) => object.metadata.name);
    await act(pass, {
      ...options,
      intend: async ({ ref, uid }) => {
        intended.push(uid);
        expect(await api.get(type, ref)).toBeDefined();
      },
    });

    expect(left.toSorted()).toEqual(['a', 'b']);
    expect(intended).toEqual(['uid-1']);
    expect((await children(api)).map(({ object }) => object.metadata.name)).toEqual(['b']);
  });

  it('puts back what somebody else changed, and names them, though not for a wish of its own', async () => {
    const { api, options } = setting();
    const drifts: FoundDrift[] = [];
    const telling = { ...options, drifted: (drift: FoundDrift) => void drifts.push(drift) };
    const planFor = (value: string) => ({
      steps: [applied(wanted('a', { key: value }))],
      keep: [],
    });
    await act({ owner, plan: planFor('ours'), children: [] }, telling);
    await api.apply(
      type,
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { namespace: 'team', name: 'a' },
        data: { key: 'theirs' },
      },
      { fieldManager: 'kubectl-edit', force: true },
    );

    await act({ owner, plan: planFor('ours'), children: await children(api) }, telling);
    await act({ owner, plan: planFor('new'), children: await children(api) }, telling);

    const ref = { namespace: 'team', name: 'a' };
    expect((await api.get(type, ref))?.['data']).toEqual({ key: 'new' });
    expect(drifts).toEqual([{ type, ref, by: ['kubectl-edit'], fields: ['data.key'] }]);
  });

  it('applies once what the server writes in its own way, and leaves it then', async () => {
    const { api, options } = setting();
    let applies = 0;
    const normalising: ActOptions['api'] = {
      get: (given, ref) => api.get(given, ref),
      patch: (given, ref, patch) => api.patch(given, ref, patch),
      scale: (given, ref, scale) => api.scale(given, ref, scale),
      delete: (given, ref, preconditions) => api.delete(given, ref, preconditions),
      apply: async (given, object, apply) => {
        applies++;
        return await api.apply(given, { ...object, data: { cpu: '1' } }, apply);
      },
    };
    const plan = { steps: [applied(wanted('a', { cpu: '1000m' }))], keep: [] };
    const drifts: FoundDrift[] = [];
    const telling = {
      ...options,
      api: normalising,
      drifted: (drift: FoundDrift) => void drifts.push(drift),
    };
    await act({ owner, plan, children: [] }, telling);
    const cached = await children(api);

    for (let pass = 0; pass < 5; pass++) await act({ owner, plan, children: cached }, telling);

    expect([applies, drifts]).toEqual([2, []]);
  });
});
