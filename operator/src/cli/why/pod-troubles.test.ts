import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../machinery/kube-api.ts';
import { podTrouble } from './pod-troubles.ts';

const now = Date.parse('2030-01-01T01:00:00Z');
const young = '2030-01-01T00:59:50Z';
const old = '2030-01-01T00:50:00Z';

function pod(status: object, { born = old, node = 'node-1', deleted = '' } = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: 'team',
      name: 'p',
      creationTimestamp: born,
      ...(deleted === '' ? {} : { deletionTimestamp: deleted }),
    },
    spec: node === '' ? {} : { nodeName: node },
    status,
  };
}

const waiting = (reason: string, message?: string) => ({
  phase: 'Pending',
  containerStatuses: [{ image: 'i:1', state: { waiting: { reason, message } } }],
});
const ended = (exitCode: number, reason?: string) => ({
  phase: 'Failed',
  containerStatuses: [{ state: { terminated: { exitCode, reason, finishedAt: old } } }],
});
const unready = (since: string) => ({
  phase: 'Running',
  conditions: [
    { type: 'Ready', status: 'False', message: 'probe failed', lastTransitionTime: since },
  ],
  containerStatuses: [{ state: { running: {} } }],
});
const noNode = {
  phase: 'Pending',
  conditions: [
    { type: 'PodScheduled', status: 'False', message: '0/3 nodes', lastTransitionTime: young },
  ],
};
const again = {
  phase: 'Running',
  containerStatuses: [
    {
      restartCount: 1,
      state: { running: {} },
      lastState: { terminated: { exitCode: 137, finishedAt: old } },
    },
  ],
};

describe('the trouble of a pod', () => {
  it.each<[string, KubeObject, string]>([
    ['no node', pod(noNode, { node: '' }), 'has no node: 0/3 nodes'],
    ['no scheduler', pod({ phase: 'Pending' }, { node: '' }), 'was looked at by no scheduler'],
    [
      'a silent node',
      pod({ phase: 'Pending' }),
      'was given to node node-1, which has not started it',
    ],
    [
      'no image',
      pod(waiting('ErrImagePull', 'not found')),
      'cannot pull its image i:1 (ErrImagePull): not found',
    ],
    [
      'a wrong image name',
      pod(waiting('InvalidImageName')),
      'cannot pull its image i:1 (InvalidImageName)',
    ],
    [
      'a missing key',
      pod(waiting('CreateContainerConfigError', 'no key X')),
      'cannot be started (CreateContainerConfigError): no key X',
    ],
    [
      'a volume that does not come',
      pod(waiting('ContainerCreating')),
      'is still being prepared: a volume or the network is not there yet',
    ],
    ['a crash loop', pod(waiting('CrashLoopBackOff')), 'ends again and again, 0 times by now'],
    [
      'wrong input',
      pod(ended(65)),
      'ended with exit code 65: its input is wrong; starting it again changes nothing',
    ],
    ['an unknown signal', pod(ended(130)), 'ended with exit code 130: ended by signal 2'],
    [
      'too little memory',
      pod(ended(137, 'OOMKilled')),
      'was killed for using more memory than its limit',
    ],
    [
      'a restart',
      pod(again),
      'runs again after 1 restart; before, it ended with exit code 137: it was killed: out of memory, or not done in time when told to stop',
    ],
    ['not ready', pod(unready(old)), 'runs and is not ready: probe failed'],
    [
      'not going away',
      pod({ phase: 'Running' }, { deleted: old }),
      'should be gone and is not: its node may be away',
    ],
  ])('is told in words: %s', (_, given, what) => {
    expect(podTrouble(given, now)?.what).toBe(what);
  });

  it.each<[string, KubeObject]>([
    ['is young', pod({ phase: 'Pending' }, { born: young, node: '' })],
    ['is being prepared', pod(waiting('ContainerCreating'), { born: young })],
    ['has just become unready', pod(unready(young))],
    ['is told to go', pod({ phase: 'Running' }, { deleted: young })],
    [
      'ended well',
      pod({ phase: 'Succeeded', containerStatuses: [{ state: { terminated: { exitCode: 0 } } }] }),
    ],
    ['runs', pod({ phase: 'Running', containerStatuses: [{ state: { running: {} } }] })],
  ])('is none when it %s', (_, given) => {
    expect(podTrouble(given, now)).toBeUndefined();
  });
});
