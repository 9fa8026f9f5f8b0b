/** Whether what made pods of a resource has stopped for good: none is there, and none about to be. */
import type { KubeObject } from '../kube-api.ts';
import { controllerOf } from '../object-key.ts';
import { jobFacts } from './job.ts';
import type { Owner } from './names.ts';
import type { PodFacts } from './pods.ts';
import { presentReplicas } from './scaled.ts';

export interface Workload {
  readonly owner: Owner;
  readonly deployment: KubeObject | undefined;
  readonly pods: readonly Pick<PodFacts, 'hasEnded'>[];
}

export function isGone({ owner, deployment, pods }: Workload): boolean {
  if (pods.some(({ hasEnded }) => !hasEnded)) return false;
  if (deployment === undefined || controllerOf(deployment)?.uid !== owner.uid) return true;
  const { generation, status = {} } = { ...deployment, ...deployment.metadata } as Fields;
  const { observedGeneration = generation, replicas = 0 } = status;
  const isSeen = generation === undefined || (observedGeneration ?? 0) >= generation;
  return presentReplicas(owner, deployment) === 0 && isSeen && replicas === 0;
}

interface Fields {
  readonly generation?: number;
  readonly status?: { readonly observedGeneration?: number; readonly replicas?: number };
}

/** Its controller has seen that it is suspended, or it has ended: it makes no pod any more. */
export function isJobAtRest(owner: Owner, job: KubeObject | undefined): boolean {
  if (job === undefined || controllerOf(job)?.uid !== owner.uid) return true;
  const { end, isSuspended, isSuspensionSeen } = jobFacts(job);
  return end !== undefined || (isSuspended && isSuspensionSeen);
}
