import { expect, test } from 'vitest';
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import type { Pod } from './controllers/workload.ts';
import { isCarried } from './service-pods.ts';

const service: KubeObject = {
  apiVersion: 'millrace.dev/v1alpha1',
  kind: 'IncrementPipeline',
  metadata: { name: 'a', namespace: 'default', uid: 'u' },
};

function deployment(role: string, uid = 'u'): KubeObject {
  const owner = { apiVersion: 'x', kind: 'IncrementPipeline', name: 'a', uid, controller: true };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: `a-${role}`, namespace: 'default', ownerReferences: [owner] },
    spec: { selector: { matchLabels: { role, of: uid } } },
  };
}

function pod(role: string, isReady: boolean): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: role, namespace: 'default', labels: { role, of: 'u', more: 'x' } },
    spec: { containers: [] },
    status: { conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
  };
}

const deployments = [deployment('gateway'), deployment('worker'), deployment('other', 'v')];

test.each([
  ['each of its Deployments has a ready pod', [pod('gateway', true), pod('worker', true)], true],
  ['a Deployment has none that is ready', [pod('gateway', true), pod('worker', false)], false],
  ['pods of an earlier run are gone', [], false],
])('when %s', (_when, pods, carried) => {
  expect(isCarried(service, { deployments, pods })).toBe(carried);
});

test('a service for which nothing was made yet is not carried', () => {
  expect(isCarried(service, { deployments: [], pods: [] })).toBe(false);
});
