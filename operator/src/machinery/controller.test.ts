import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/manual-clock.ts';
import { Controller } from './controller.ts';
import type { KubeObject, ResourceType } from './kube-api.ts';
import { OwnWrites } from './own-writes.ts';
import { Store } from './store.ts';

const things: ResourceType = { apiVersion: 'example.com/v1', kind: 'Thing', plural: 'things' };
const parts: ResourceType = { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps' };

function thing(change: Partial<KubeObject['metadata']> = {}, status?: string): KubeObject {
  return {
    apiVersion: things.apiVersion,
    kind: things.kind,
    metadata: { namespace: 'team', name: 'a', uid: 'uid-1', generation: 1, ...change },
    status,
  };
}

function controller(reconcile: () => Promise<object> = () => Promise.resolve({})) {
  const clock = new ManualClock();
  const passes: string[] = [];
  const made = new Controller({
    clock,
    primaries: new Store(),
    writes: new OwnWrites({
      api: { get: () => Promise.resolve(undefined) },
      clock,
      storeOf: () => undefined,
    }),
    events: { reconciled: () => undefined, queueDepth: () => undefined },
    spec: {
      name: 'things',
      primary: things,
      concurrency: 1,
      wakes: [{ type: parts, keysOf: ({ metadata }) => [`team/${metadata.labels?.['of']}`] }],
      reconcile: (key) => {
        passes.push(key);
        return reconcile();
      },
    },
  });
  made.queue.start();
  return { made, passes, clock };
}

describe('controller', () => {
  it('runs no pass for the status that it wrote itself', async () => {
    const { made, passes } = controller();

    made.onChange(things, { before: thing(), after: thing({}, 'new'), initial: false });
    await made.queue.idle();

    expect(passes).toEqual([]);
  });

  it('runs a pass for a new generation, a label, an annotation and a deletion', async () => {
    const { made, passes } = controller();
    const changes = [
      { generation: 2 },
      { labels: { a: 'b' } },
      { annotations: { a: 'b' } },
      { deletionTimestamp: '2030-01-01T00:00:00Z' },
    ];

    for (const change of changes) {
      made.onChange(things, { before: thing(), after: thing(change), initial: false });
      await made.queue.idle();
    }

    expect(passes.length).toBe(changes.length);
  });

  it('wakes both whom a part belonged to and whom it belongs to now', async () => {
    const { made, passes } = controller();
    const part = (of: string): KubeObject => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace: 'team', name: 'part', labels: { of } },
    });

    made.onChange(parts, { before: part('a'), after: part('b'), initial: false });
    await made.queue.idle();

    expect(passes).toEqual(['team/a', 'team/b']);
  });

  it('gives a new generation a first try without the back-off of the old one', async () => {
    const { made, passes, clock } = controller(() => Promise.reject(new Error('away')));
    made.queue.add('team/a');
    await clock.advance(60_000);

    const after = thing({ generation: 2 });
    made.onChange(things, { before: thing(), after, initial: false });
    await made.queue.idle();
    const before = passes.length;
    await clock.advance(700);

    expect(passes.length).toBe(before + 1);
    await made.queue.stop();
  });
});
