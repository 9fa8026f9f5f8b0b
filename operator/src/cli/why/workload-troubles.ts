/** What keeps a workload from making its pods: a quota, a policy, an account that is not there. Pure. */
import type { KubeObject } from '../../machinery/kube-api.ts';
import { timeOf } from '../words.ts';
import type { Trouble } from './pod-troubles.ts';

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

export function workloadTrouble(workload: KubeObject): Trouble | undefined {
  const { conditions = [] } = (workload['status'] ?? {}) as {
    readonly conditions?: readonly Condition[];
  };
  const failure = conditions.find(
    ({ type, status }) => type === 'ReplicaFailure' && status === 'True',
  );
  if (failure === undefined) return undefined;
  return {
    what: `cannot make its pods: ${failure.message ?? failure.reason ?? 'it does not say why'}`,
    sinceMs: timeOf(failure.lastTransitionTime),
    next: 'Kubernetes tries again by itself, at longer and longer intervals',
  };
}
