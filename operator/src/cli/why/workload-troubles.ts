/**
 * What keeps a workload from making its pods, such as a quota, a policy or an account that is not
 * there, and an autoscaler from scaling. Pure.
 */
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
  if (workload.kind === 'HorizontalPodAutoscaler') return autoscalerTrouble(conditions);
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

/** At 0 it is disabled, which is as it should be. */
function autoscalerTrouble(conditions: readonly Condition[]): Trouble | undefined {
  const failure = conditions.find(
    ({ type, status, reason }) =>
      (type === 'ScalingActive' || type === 'AbleToScale') &&
      status === 'False' &&
      reason !== 'ScalingDisabled',
  );
  if (failure === undefined) return undefined;
  return {
    what: `cannot scale (${failure.reason ?? 'for no reason given'}): ${failure.message ?? ''}`,
    sinceMs: timeOf(failure.lastTransitionTime),
    next: 'the number of workers stays as it is; kubectl get apiservice v1beta1.external.metrics.k8s.io says whether metrics are served',
  };
}
