import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/manual-clock.ts';
import { createMemoryApi } from '../memory/memory-api.ts';
import { carryOut, type PlannedPass } from './carry-out.ts';
import { withDigest } from './desired.ts';
import type { KubeApi, KubeObject, ResourceType } from './kube-api.ts';
import { KubeFailure } from './kube-failure.ts';
import { Fence } from './leader-election/fence.ts';
import { fencedApi } from './leader-election/fenced-api.ts';
import { soleLeadership } from './leadership.ts';
import type { Step } from './step.ts';

const type: ResourceType = { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps' };
const things: ResourceType = { apiVersion: 'example.com/v1', kind: 'Thing', plural: 'things' };
const controller = { apiVersion: 'example.com/v1', kind: 'Thing', name: 'thing', uid: 'uid-1' };
const resource: KubeObject = {
  apiVersion: controller.apiVersion,
  kind: controller.kind,
  metadata: { namespace: 'team', name: controller.name, uid: controller.uid },
};

function applied(name: string): Step {
  const ownerReferences = [{ ...controller, controller: true }];
  const metadata = { namespace: 'team', name, ownerReferences };
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { key: 'ours' } };
  return { op: 'apply', type, object, reason: 'as the spec asks' };
}

/** A plan of two children, of which the first has been changed by hand and the second fails. */
async function changedByHand(failure: KubeFailure) {
  const clock = new ManualClock();
  const memory = createMemoryApi({ now: () => clock.now(), newUid: () => 'uid-of-a' });
  const first = applied('a');
  if (first.op !== 'apply') throw new Error('the first step applies');
  await memory.apply(type, withDigest(first.object), { fieldManager: 'ours', force: true });
  await memory.patch(type, { namespace: 'team', name: 'a' }, { data: { key: 'theirs' } });
  const api: KubeApi = {
    ...fencedApi(memory, soleLeadership()),
    get: async (given, ref) => (given === things ? resource : await memory.get(given, ref)),
    apply: async (given, object, options) => {
      if (object.metadata.name === 'b') throw failure;
      return await memory.apply(given, object, options);
    },
  };
  const { items } = await memory.list(type, { namespace: 'team' });
  const pass: PlannedPass = {
    type: things,
    object: resource,
    uid: controller.uid,
    plan: { steps: [first, applied('b')], keep: [] },
    children: items.map((object) => ({ type, object })),
  };
  const told: string[] = [];
  const done = carryOut('team/thing', pass, {
    slug: 'thing',
    api,
    clock,
    fence: new Fence(),
    writes: { record: () => undefined },
    events: { record: ({ reason }) => Promise.resolve(void told.push(reason)) },
    telemetry: { drifted: ({ name }) => told.push(name) },
    fieldManager: 'ours',
    scaleManager: 'ours-scale',
  });
  return { done, told };
}

describe('a pass', () => {
  it('tells what it put back although a later step was refused, and names the obstacle', async () => {
    const { done, told } = await changedByHand(new KubeFailure('Forbidden', 'no more of these'));

    expect((await done).obstacle).toEqual({
      reason: 'Refused',
      message: 'The API server refused a child: no more of these',
    });
    expect(told).toEqual(['a', 'DriftCorrected']);
  });

  it('tells what it put back although a later step failed, and leaves that failure to the queue', async () => {
    const { done, told } = await changedByHand(new KubeFailure('Unavailable', 'away'));

    await expect(done).rejects.toThrow('away');
    expect(told).toEqual(['a', 'DriftCorrected']);
  });
});
