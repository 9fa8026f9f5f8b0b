/** What a Job's podFailurePolicy says of one failed pod: the first rule that matches decides. */
import type { ContainerStatus, Pod } from './workload.ts';

export interface PodFailureRule {
  readonly action: 'FailJob' | 'Ignore' | 'Count' | 'FailIndex';
  readonly onExitCodes?: {
    readonly containerName?: string | null;
    readonly operator: 'In' | 'NotIn';
    readonly values: readonly number[];
  };
  readonly onPodConditions?: readonly { readonly type: string; readonly status?: string }[];
}

export interface FailureVerdict {
  readonly action: 'FailJob' | 'Ignore' | 'Count';
  readonly message: string;
}

export function judgeFailure(
  pod: Pod,
  rules: readonly PodFailureRule[] | undefined,
): FailureVerdict {
  const where = `pod ${pod.metadata.namespace}/${pod.metadata.name}`;
  for (const [index, rule] of (rules ?? []).entries()) {
    const cause = exitCodeMatch(pod, rule) ?? conditionMatch(pod, rule);
    if (cause === undefined) continue;
    const action = rule.action === 'FailIndex' ? 'Count' : rule.action;
    return {
      action,
      message: `${cause} of ${where} matches the ${rule.action} rule at index ${String(index)}`,
    };
  }
  return { action: 'Count', message: `${where} failed` };
}

function exitCodeMatch(pod: Pod, rule: PodFailureRule): string | undefined {
  const { onExitCodes } = rule;
  if (onExitCodes === undefined) return undefined;
  const name = onExitCodes.containerName ?? undefined;
  const match = pod.status?.containerStatuses
    ?.filter((container) => name === undefined || container.name === name)
    .find((container) => isExitMatch(container, onExitCodes));
  if (match === undefined) return undefined;
  return `exit code ${String(match.state.terminated?.exitCode)} of container ${match.name}`;
}

/** Success never matches, not even NotIn: a container that ended well is no cause of a failure. */
function isExitMatch(
  container: ContainerStatus,
  onExitCodes: NonNullable<PodFailureRule['onExitCodes']>,
): boolean {
  const exitCode = container.state.terminated?.exitCode;
  if (exitCode === undefined || exitCode === 0) return false;
  return onExitCodes.values.includes(exitCode) === (onExitCodes.operator === 'In');
}

function conditionMatch(pod: Pod, rule: PodFailureRule): string | undefined {
  const match = rule.onPodConditions?.find((wanted) =>
    pod.status?.conditions?.some(
      (condition) =>
        condition.type === wanted.type && condition.status === (wanted.status ?? 'True'),
    ),
  );
  return match === undefined ? undefined : `condition ${match.type}`;
}
