/** What a resource's conditions say of its end, for kinds that have one and for those that serve. */
import type { KubeObject } from '@millrace/operator/machinery/kube-api';

export interface End {
  /** It came to what was wanted: Complete, or Ready where there is no end. */
  readonly isWell: boolean;
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
 * How a resource that runs to an end has ended. Stalled ends a run too: it says that nothing will
 * happen until somebody changes something. What an earlier generation said does not count: a change
 * has just been applied to it.
 */
export function completeEnd(object: KubeObject): End | undefined {
  for (const type of ['Complete', 'Failed', 'Stalled']) {
    const condition = conditionOf(object, type);
    if (condition?.status !== 'True') continue;
    if (isOutdated(object, condition) && type !== 'Complete') continue;
    const { reason, message } = condition;
    return { isWell: type === 'Complete', reason, message };
  }
  return undefined;
}

/** That a resource without an end serves, rests as it was asked to, or never will do either as it is. */
export function readyEnd(object: KubeObject): End | undefined {
  const ready = conditionOf(object, 'Ready');
  if (ready?.reason === 'Suspended' && isSuspended(object)) {
    const { reason, message } = ready;
    return isOutdated(object, ready) ? undefined : { isWell: true, reason, message };
  }
  for (const type of ['Ready', 'Stalled']) {
    const condition = conditionOf(object, type);
    if (condition?.status !== 'True' || isOutdated(object, condition)) continue;
    const { reason, message } = condition;
    return { isWell: type === 'Ready', reason, message };
  }
  return undefined;
}

/** The state of a resource without an end, in one word. */
export function readyView(object: KubeObject): {
  readonly state: string;
  readonly message: string;
} {
  const end = readyEnd(object);
  if (end?.isWell === true && end.reason !== 'Suspended')
    return { state: 'Ready', message: end.message };
  const why = end ?? conditionOf(object, 'Ready') ?? { reason: 'Accepted', message: '' };
  return { state: why.reason, message: why.message };
}

export function conditionOf(object: KubeObject, type: string): Condition | undefined {
  const status = object['status'] as { readonly conditions?: readonly Condition[] } | undefined;
  return status?.conditions?.find((condition) => condition.type === type);
}

function isOutdated(object: KubeObject, { observedGeneration }: Condition): boolean {
  return (observedGeneration ?? 0) < (object.metadata.generation ?? 0);
}

/** Whether the manifest asks for it. */
export function isSuspended(object: KubeObject): boolean {
  const spec = object['spec'] as { readonly suspend?: unknown } | undefined;
  return spec?.suspend === true;
}
