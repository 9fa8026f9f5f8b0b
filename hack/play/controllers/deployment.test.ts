import { describe, expect, test } from 'vitest';
import { pod, type PodSketch } from '../test/pods.ts';
import {
  decideDeployment,
  templateHash,
  templateHashLabel,
  type Deployment,
} from './deployment.ts';

const template = { spec: { containers: [{ name: 'main' }] } };
const labels = { [templateHashLabel]: templateHash(template) };
const oldLabels = { [templateHashLabel]: 'old' };

function deployment(spec: Partial<Deployment['spec']> = {}): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default', uid: 'd', generation: 7 },
    spec: { replicas: 2, template, ...spec },
  };
}

const current = (name: string, more: Partial<PodSketch> = {}) =>
  pod({ name, labels, ready: true, ...more });
const old = (name: string, more: Partial<PodSketch> = {}) =>
  pod({ name, labels: oldLabels, ready: true, ...more });
const rolling = (maxSurge: number | string, maxUnavailable: number | string) =>
  ({ type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } }) as const;

const now = '2026-01-01T00:01:00.000Z';

const evicted = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    current(`evicted-${String(index)}`, {
      phase: 'Failed',
      ready: false,
      createdAt: `2026-01-01T00:00:${String(59 - index)}Z`,
    }),
  );

interface Row {
  readonly when: string;
  readonly spec?: Partial<Deployment['spec']>;
  readonly pods: readonly ReturnType<typeof pod>[];
  readonly creates: number;
  readonly deletes: readonly string[];
}

const rows: readonly Row[] = [
  { when: 'nothing runs yet', pods: [], creates: 2, deletes: [] },
  { when: 'all is as asked', pods: [current('a'), current('b')], creates: 0, deletes: [] },
  { when: 'replicas are left out', spec: {}, pods: [current('a')], creates: 1, deletes: [] },
  {
    when: 'it is scaled to nothing',
    spec: { replicas: 0 },
    pods: [current('a'), current('b')],
    creates: 0,
    deletes: ['b', 'a'],
  },
  {
    when: 'it is scaled down, pods that are not ready first',
    spec: { replicas: 1 },
    pods: [current('a'), current('b', { ready: false }), current('c')],
    creates: 0,
    deletes: ['b', 'c'],
  },
  {
    when: 'it is scaled down, the youngest first among ready ones',
    spec: { replicas: 1 },
    pods: [current('a', { createdAt: '2026-01-02T00:00:00Z' }), current('b')],
    creates: 0,
    deletes: ['a'],
  },
  {
    when: 'a pod is on its way out, which does not count',
    pods: [current('a'), current('b', { isTerminating: true })],
    creates: 1,
    deletes: [],
  },
  {
    when: 'a pod was evicted, which stays to be looked at',
    pods: [current('a'), current('b', { phase: 'Failed', ready: false, exitCode: 137 })],
    creates: 1,
    deletes: [],
  },
  {
    when: 'so many pods were evicted that the oldest are cleared away',
    pods: [current('a'), current('b'), ...evicted(12)],
    creates: 0,
    deletes: ['evicted-11', 'evicted-10'],
  },
  {
    when: 'the template changed: one more than asked, none fewer',
    spec: { strategy: rolling(1, 0) },
    pods: [old('a'), old('b')],
    creates: 1,
    deletes: [],
  },
  {
    when: 'the new pod is not ready yet',
    spec: { strategy: rolling(1, 0) },
    pods: [old('a'), old('b'), current('c', { ready: false })],
    creates: 0,
    deletes: [],
  },
  {
    when: 'the new pod is ready',
    spec: { strategy: rolling(1, 0) },
    pods: [old('a'), old('b'), current('c')],
    creates: 0,
    deletes: ['b'],
  },
  {
    when: 'one may be missing and none may be more',
    spec: { strategy: rolling(0, 1) },
    pods: [old('a'), old('b')],
    creates: 0,
    deletes: ['b'],
  },
  {
    when: 'old pods that are not ready stand in the way of nothing',
    spec: { strategy: rolling(1, 0) },
    pods: [old('a', { ready: false }), old('b')],
    creates: 1,
    deletes: [],
  },
  {
    when: 'an old pod is not ready and unavailability allows it to go',
    spec: { strategy: rolling(0, 1) },
    pods: [old('a', { ready: false }), old('b')],
    creates: 0,
    deletes: ['a'],
  },
  {
    when: 'neither surge nor unavailability is allowed, which would never move',
    spec: { strategy: rolling(0, 0) },
    pods: [old('a'), old('b')],
    creates: 0,
    deletes: ['b'],
  },
  {
    when: 'percentages: surge rounds up, unavailability down',
    spec: { replicas: 3, strategy: rolling('25%', '25%') },
    pods: [old('a'), old('b'), old('c')],
    creates: 1,
    deletes: [],
  },
  {
    when: 'it is recreated: first everything old goes',
    spec: { strategy: { type: 'Recreate' } },
    pods: [old('a'), old('b')],
    creates: 0,
    deletes: ['a', 'b'],
  },
  {
    when: 'it is recreated and an old pod still drains',
    spec: { strategy: { type: 'Recreate' } },
    pods: [old('a', { isTerminating: true })],
    creates: 0,
    deletes: [],
  },
];

describe('decideDeployment', () => {
  test.each(rows)('when $when', ({ spec, pods, creates, deletes }) => {
    const decision = decideDeployment(deployment(spec), pods, now);

    expect(decision.createCount).toBe(creates);
    expect(decision.deletions.map(({ metadata }) => metadata.name)).toEqual(deletes);
  });

  test('rolls every mix of old and new pods to the end within its bounds', () => {
    const strategy = rolling(1, 1);
    let pods = [old('a'), old('b'), old('c')];
    let created = 0;
    for (let pass = 0; pass < 20; pass++) {
      const decision = decideDeployment(deployment({ replicas: 3, strategy }), pods, now);
      pods = pods.filter((one) => !decision.deletions.includes(one));
      for (let count = 0; count < decision.createCount; count++)
        pods.push(current(`new-${String(created++)}`, { ready: false }));
      expect(pods.length).toBeLessThanOrEqual(4);
      expect(
        pods.filter((one) => one.status?.containerStatuses?.[0]?.ready).length,
      ).toBeGreaterThanOrEqual(2);
      // Between passes the pods that were made become ready.
      pods = pods.map((one) =>
        one.metadata.name.startsWith('new') ? current(one.metadata.name) : one,
      );
    }

    expect(pods.map(({ metadata }) => metadata.name)).toEqual(['new-0', 'new-1', 'new-2']);
    expect(created).toBe(3);
  });

  test('counts in its status what runs, what is ready and what is current', () => {
    const pods = [current('a'), old('b'), current('c', { isTerminating: true })];

    const { status } = decideDeployment(deployment(), pods, now);

    expect(status).toMatchObject({
      observedGeneration: 7,
      replicas: 2,
      updatedReplicas: 1,
      readyReplicas: 2,
      // The one that is about to be made.
      unavailableReplicas: 1,
    });
    expect(
      status.conditions.map(({ type, status: holds, reason }) => [type, holds, reason]),
    ).toEqual([
      ['Available', 'True', 'MinimumReplicasAvailable'],
      ['Progressing', 'True', 'ReplicaSetUpdated'],
    ]);
  });

  test('makes no pods for a Deployment that is being deleted', () => {
    const doomed = deployment();

    const decision = decideDeployment(
      { ...doomed, metadata: { ...doomed.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } },
      [],
      now,
    );

    expect(decision.createCount).toBe(0);
  });
});

test('a template hash depends on content and not on the order of keys', () => {
  const one = { metadata: { labels: { a: '1', b: '2' } }, spec: template.spec };
  const other = { spec: template.spec, metadata: { labels: { b: '2', a: '1' } } };

  expect(templateHash(one)).toBe(templateHash(other));
  expect(templateHash(one)).not.toBe(templateHash(template));
});
