import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/manual-clock.ts';
import { clearIntent, declareIntent, intentManager, intents, type Irreversible } from './intent.ts';
import type { KubeObject, ResourceType } from './kube-api.ts';
import { KubeFailure } from './kube-failure.ts';
import { Fence } from './leader-election/fence.ts';
import type { OwnWrite } from './own-writes.ts';

const type: ResourceType = { apiVersion: 'example.com/v1', kind: 'Thing', plural: 'things' };
const step: Irreversible = {
  op: 'delete',
  type: { apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs' },
  ref: { namespace: 'team', name: 'job' },
  uid: 'uid-of-job',
  resourceVersion: '3',
  reason: 'no longer part of the plan',
};

function thing(version: string, status?: object): KubeObject {
  const metadata = { namespace: 'team', name: 'thing', uid: 'uid-1', resourceVersion: version };
  return { apiVersion: type.apiVersion, kind: type.kind, metadata, status };
}

function setting(epoch: number) {
  const fence = new Fence();
  fence.take({ epoch, isValid: () => true, lost: new AbortController().signal });
  const sent: { readonly object: KubeObject; readonly manager: string }[] = [];
  const writes: OwnWrite[] = [];
  let version = 10;
  const api = {
    applyStatus: (
      _type: unknown,
      object: KubeObject,
      { fieldManager }: { fieldManager: string },
    ) => {
      if (object.metadata.resourceVersion !== String(version)) {
        return Promise.reject(new KubeFailure('Conflict', 'changed since'));
      }
      sent.push({ object, manager: fieldManager });
      return Promise.resolve(thing(String(++version)));
    },
  };
  const record = (write: OwnWrite): void => void writes.push(write);
  return { fence, sent, writes, options: { api, fence, clock: new ManualClock(), record } };
}

describe('an intent', () => {
  it('is written with the epoch, against the version that was read, by a manager of its own', async () => {
    const { sent, writes, options } = setting(4);

    await declareIntent({ type, object: thing('10') }, step, options);

    expect(sent).toEqual([
      {
        manager: intentManager,
        object: expect.objectContaining({
          metadata: thing('10').metadata,
          status: {
            intent: {
              step: 'delete Job/job: no longer part of the plan',
              uid: 'uid-of-job',
              epoch: 4,
              at: '2030-01-01T00:00:00.000Z',
            },
          },
        }),
      },
    ]);
    expect(writes).toMatchObject([{ type, uid: 'uid-1', version: '11' }]);
  });

  it('fails, and the deletion with it, when the resource has changed since it was read', async () => {
    const { sent, options } = setting(4);

    const declaring = declareIntent({ type, object: thing('9') }, step, options);

    await expect(declaring).rejects.toMatchObject({ reason: 'Conflict' });
    expect(sent).toEqual([]);
  });

  it('of a second deletion in a pass is written against the version that the first made', async () => {
    const { sent, options } = setting(4);
    const intend = intents({ type, object: thing('10') }, options);

    await intend(step);
    await intend({ ...step, uid: 'uid-2' });

    expect(sent.map(({ object }) => object.metadata.resourceVersion)).toEqual(['10', '11']);
  });

  it('of a later leader ends the leadership, and nothing is written', async () => {
    const { fence, sent, options } = setting(4);
    const object = thing('10', { intent: { epoch: 5, step: 'x', uid: 'y', at: 'z' } });

    const declaring = declareIntent({ type, object }, step, options);

    await expect(declaring).rejects.toMatchObject({ code: 'NotLeading' });
    expect([sent, fence.isValid()]).toEqual([[], false]);
    expect(fence.why).toBe('Thing team/thing carries an intent of the later epoch 5');
  });

  it('of an earlier leader is written over, and can be taken away', async () => {
    const { sent, options } = setting(4);
    const object = thing('10', { intent: { epoch: 3, step: 'x', uid: 'y', at: 'z' } });

    const written = await declareIntent({ type, object }, step, options);
    await clearIntent({ type, object: written }, options);

    expect(sent.map(({ object: { status } }) => Object.keys(status as object))).toEqual([
      ['intent'],
      [],
    ]);
  });
});
