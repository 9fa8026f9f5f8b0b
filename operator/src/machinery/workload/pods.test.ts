import { expect, it } from 'vitest';
import type { KubeObject } from '../kube-api.ts';
import { storeOf } from './caches.ts';
import { componentLabel, uidLabel } from './names.ts';
import { podEssentials, podIndex, podsOf, podsOfRole } from './pods.ts';

function pod(name: string, second: number, exitCode?: number): KubeObject {
  const terminated = exitCode === undefined ? {} : { terminated: { exitCode } };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: 'team',
      name,
      uid: `uid-of-${name}`,
      creationTimestamp: `2026-01-02T03:04:0${second}Z`,
      labels: { [uidLabel]: 'owner', [componentLabel]: 'worker' },
    },
    status: { containerStatuses: [{ name: 'worker', state: terminated }] },
  };
}

it('names pods in an order that does not hang on when they were heard of', () => {
  const pods = [pod('b', 1), pod('old', 0), pod('ended', 2, 1), pod('a', 1)];
  const namesIn = (heard: readonly KubeObject[]) => {
    const store = storeOf(heard, { indexes: { [podsOfRole]: podIndex } });
    return podsOf('owner', 'worker', store).map(({ name }) => name);
  };

  expect(namesIn(pods)).toEqual(['a', 'b', 'old', 'ended']);
  expect(namesIn(pods.toReversed())).toEqual(['a', 'b', 'old', 'ended']);
});

it('tells how long a pod took until it was ready, and nothing of one that is not', () => {
  const ready = (status: 'True' | 'False', second: number): KubeObject => {
    const made = pod(`pod-${status}-${second}`, 1);
    const lastTransitionTime = `2026-01-02T03:04:0${second}Z`;
    return { ...made, status: { conditions: [{ type: 'Ready', status, lastTransitionTime }] } };
  };
  const store = storeOf([ready('True', 4), ready('False', 5), ready('True', 0)], {
    trim: podEssentials,
    indexes: { [podsOfRole]: podIndex },
  });

  const told = podsOf('owner', 'worker', store).map(({ name, startSeconds }) => [
    name,
    startSeconds,
  ]);

  expect(Object.fromEntries(told)).toEqual({
    'pod-True-4': 3,
    'pod-False-5': undefined,
    'pod-True-0': undefined,
  });
});
