import { describe, expect, it } from 'vitest';
import { turns } from '../../../test/manual-clock.ts';
import { createMemoryApi } from '../../memory/memory-api.ts';
import type { KubeApi, KubeObject, ResourceType } from '../kube-api.ts';
import type { Leadership } from '../leadership.ts';
import { Fence } from './fence.ts';
import { fencedApi } from './fenced-api.ts';
import { Turn } from './turn.ts';

const type: ResourceType = { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps' };
const ref = { namespace: 'team', name: 'a' };
const object: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: ref };
const manager = { fieldManager: 'test' };

function leadership(): Leadership & { isHeld: boolean; readonly lose: (why: string) => void } {
  const lost = new AbortController();
  return {
    epoch: 7,
    isHeld: true,
    isValid() {
      return this.isHeld;
    },
    lost: lost.signal,
    lose: (why) => lost.abort(why),
  };
}

const writes: Readonly<Record<string, (api: KubeApi) => Promise<unknown>>> = {
  create: (api) => api.create(type, object),
  apply: (api) => api.apply(type, object, manager),
  patch: (api) => api.patch(type, ref, {}),
  applyStatus: (api) => api.applyStatus(type, object, manager),
  scale: (api) => api.scale(type, ref, { ...manager, replicas: 1 }),
  delete: (api) => api.delete(type, ref),
};

describe('the API behind the fence', () => {
  it.each(Object.entries(writes))(
    'begins no %s without a valid leadership',
    async (_verb, write) => {
      const calls: string[] = [];
      const api = createMemoryApi({
        now: () => 0,
        newUid: () => 'uid-1',
        faults: {
          before: ({ verb }) => {
            calls.push(verb);
            return Promise.resolve();
          },
        },
      });
      const held = leadership();
      const fence = new Fence();
      const fenced = fencedApi(api, fence);

      await expect(write(fenced)).rejects.toMatchObject({ code: 'NotLeading' });
      fence.take(held);
      held.isHeld = false;
      await expect(write(fenced)).rejects.toMatchObject({ code: 'NotLeading' });
      held.isHeld = true;
      fence.surrender('a later leader');

      await expect(write(fenced)).rejects.toMatchObject({ code: 'NotLeading' });
      expect(calls).toEqual([]);
      expect(await fenced.get(type, ref)).toBeUndefined();
    },
  );

  it('ends a write in flight when the leadership is lost', async () => {
    const held = leadership();
    const fence = new Fence();
    fence.take(held);
    const never = { apply: () => new Promise<never>(() => undefined) } as unknown as KubeApi;
    const writing = fencedApi(never, fence).apply(type, object, manager);

    held.lose('gone');

    await expect(writing).rejects.toMatchObject({ code: 'NotLeading' });
    expect([fence.why, fence.lost.aborted]).toEqual(['gone', true]);
  });
});

describe('a turn at leading', () => {
  function turn() {
    const said: string[] = [];
    const fence = new Fence();
    const made = new Turn({
      fence,
      manager: {
        begin: () => void said.push('begin'),
        stop: () => {
          said.push('stop');
          return Promise.resolve();
        },
      },
      telemetry: {
        leadershipGained: ({ epoch }) => void said.push(`gained ${epoch}`),
        leadershipLost: ({ epoch, why }) => void said.push(`lost ${epoch}: ${why}`),
      },
    });
    return { made, said, fence };
  }

  it('begins passes when it leads, and ends them and tells when that is lost', async () => {
    const { made, said } = turn();
    const held = leadership();

    await made.await(() => Promise.resolve(held));
    held.lose('somebody holds the Lease');
    await made.lost;

    expect(said).toEqual(['gained 7', 'begin', 'lost 7: somebody holds the Lease', 'stop']);
  });

  it('tells of no loss when the Lease is given up in the course of a stop', async () => {
    const { made, said } = turn();
    const held = leadership();
    let isLost = false;
    void made.lost.then(() => (isLost = true));
    await made.await(() => Promise.resolve(held));

    await made.stop();
    held.lose('the Lease was given up');
    await turns(2);

    expect([said, isLost]).toEqual([['gained 7', 'begin', 'stop'], false]);
  });

  it('does not begin when it was stopped while it stood by', async () => {
    const { made, said } = turn();
    const won = Promise.withResolvers<Leadership>();
    const waiting = made.await(() => won.promise);

    await made.stop();
    won.resolve(leadership());
    await waiting;

    expect(said).toEqual(['stop']);
  });

  it('is lost when the election fails', async () => {
    const { made, said } = turn();

    await made.await(() => Promise.reject(new Error('no thread')));
    await made.lost;

    expect(said).toEqual(['lost 0: the election failed: no thread', 'stop']);
  });
});
