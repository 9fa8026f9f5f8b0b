/** How a resource that runs to an end has ended, from its conditions alone; undefined while it has not. */
import type { KubeObject } from '@millrace/operator/machinery/kube-api';

export interface End {
  readonly isComplete: boolean;
  readonly reason: string;
  readonly message: string;
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
}

/**
 * Stalled ends a run too: it says that nothing will happen until somebody changes something. What
 * an earlier generation said does not count: a change has just been applied to it.
 */
export function endOf(object: KubeObject): End | undefined {
  for (const type of ['Complete', 'Failed', 'Stalled']) {
    const condition = conditionOf(object, type);
    if (condition?.status !== 'True') continue;
    const isStale = (condition.observedGeneration ?? 0) < (object.metadata.generation ?? 0);
    if (isStale && type !== 'Complete') continue;
    return {
      isComplete: type === 'Complete',
      reason: condition.reason,
      message: condition.message,
    };
  }
  return undefined;
}

export function conditionOf(object: KubeObject, type: string): Condition | undefined {
  const status = object['status'] as { readonly conditions?: readonly Condition[] } | undefined;
  return status?.conditions?.find((condition) => condition.type === type);
}
