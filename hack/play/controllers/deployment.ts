/**
 * What a Deployment's pods should become: the decision of the deployment and replica set
 * controllers in one pure function.
 *
 * Pods are owned directly and told apart by the hash of their template, since nobody here rolls
 * back: replica sets would only be bookkeeping. The arithmetic of a rolling update is the real
 * controller's: never more than replicas + maxSurge pods, never fewer than replicas −
 * maxUnavailable ready ones because of us, and old pods that are not ready go first.
 */
import { createHash } from 'node:crypto';
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import { isFinished, isReady, isTerminating, type Pod, type PodTemplate } from './workload.ts';

export const templateHashLabel = 'pod-template-hash';

type IntOrPercent = number | string;

export interface Deployment extends KubeObject {
  readonly spec: {
    readonly replicas?: number;
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly template: PodTemplate;
    readonly strategy?: {
      readonly type?: 'RollingUpdate' | 'Recreate';
      readonly rollingUpdate?: {
        readonly maxSurge?: IntOrPercent;
        readonly maxUnavailable?: IntOrPercent;
      };
    };
  };
  readonly status?: DeploymentStatus;
}

/** Counts of nothing are left out, as the real API leaves them out. */
export interface DeploymentStatus {
  readonly observedGeneration: number;
  readonly replicas?: number;
  readonly updatedReplicas?: number;
  readonly readyReplicas?: number;
  readonly availableReplicas?: number;
  readonly unavailableReplicas?: number;
  readonly conditions: readonly DeploymentCondition[];
}

export interface DeploymentCondition {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
  readonly lastUpdateTime: string;
}

export interface DeploymentDecision {
  readonly hash: string;
  readonly createCount: number;
  readonly deletions: readonly Pod[];
  readonly status: DeploymentStatus;
}

/**
 * Ended pods stay for whoever wants to look, up to so many a Deployment. A cluster clears them away
 * beyond 12,500 in all; a host that somebody works on should not collect even hundreds.
 */
const endedPodsMax = 10;

export function decideDeployment(
  deployment: Deployment,
  pods: readonly Pod[],
  now: string,
): DeploymentDecision {
  const wanted = deployment.spec.replicas ?? 1;
  const hash = templateHash(deployment.spec.template);
  // A pod of a Deployment that finished was evicted; it is replaced.
  const finished = pods.filter((pod) => isFinished(pod) && !isTerminating(pod));
  const active = pods.filter((pod) => !isFinished(pod) && !isTerminating(pod));
  const current = active.filter((pod) => pod.metadata.labels?.[templateHashLabel] === hash);
  const old = active.filter((pod) => pod.metadata.labels?.[templateHashLabel] !== hash);
  const change = isTerminating(deployment)
    ? { createCount: 0, deletions: [] }
    : deployment.spec.strategy?.type === 'Recreate'
      ? recreate({ wanted, current, old, hasEnding: pods.length > active.length + finished.length })
      : roll({ wanted, current, old, bounds: bounds(deployment, wanted) });
  return {
    hash,
    createCount: change.createCount,
    deletions: [...oldest(finished, finished.length - endedPodsMax), ...change.deletions],
    status: statusOf({ deployment, wanted, active, current, change, now }),
  };
}

/** A short name of the template's content; key order does not matter. */
export function templateHash(template: PodTemplate): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(template)))
    .digest('hex')
    .slice(0, 10);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, child]) => [key, sorted(child)]),
  );
}

interface Bounds {
  readonly surge: number;
  readonly unavailable: number;
}

/** Percentages of surge round up and of unavailability down; both nought would never move. */
function bounds(deployment: Deployment, wanted: number): Bounds {
  const rolling = deployment.spec.strategy?.rollingUpdate;
  const surge = resolve(rolling?.maxSurge ?? '25%', wanted, Math.ceil);
  const unavailable = resolve(rolling?.maxUnavailable ?? '25%', wanted, Math.floor);
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable };
}

function resolve(value: IntOrPercent, wanted: number, round: (part: number) => number): number {
  if (typeof value === 'number') return value;
  const percent = Number(value.replace(/%$/, ''));
  return value.endsWith('%') ? round((wanted * percent) / 100) : percent;
}

interface Generations {
  readonly wanted: number;
  readonly current: readonly Pod[];
  readonly old: readonly Pod[];
}

interface Change {
  readonly createCount: number;
  readonly deletions: readonly Pod[];
}

function recreate(generations: Generations & { readonly hasEnding: boolean }): Change {
  const { wanted, current, old } = generations;
  if (old.length > 0) return { createCount: 0, deletions: old };
  const surplus = victims(current).slice(0, Math.max(0, current.length - wanted));
  const createCount = generations.hasEnding ? 0 : Math.max(0, wanted - current.length);
  return { createCount, deletions: surplus };
}

function roll(generations: Generations & { readonly bounds: Bounds }): Change {
  const { wanted, current, old } = generations;
  const { surge, unavailable } = generations.bounds;
  const surplus = victims(current).slice(0, Math.max(0, current.length - wanted));
  const total = current.length + old.length;
  const room = Math.max(0, wanted + surge - total);
  const createCount = Math.min(Math.max(0, wanted - current.length), room);

  const leastReady = wanted - unavailable;
  const readyCount = [...current, ...old].filter(isReady).length;
  const startingCount = current.filter((pod) => !isReady(pod)).length;
  const removable = Math.max(0, total - leastReady - startingCount);
  const brokenOld = old.filter((pod) => !isReady(pod)).slice(0, removable);
  const spareReady = Math.min(removable - brokenOld.length, Math.max(0, readyCount - leastReady));
  const readyOld = victims(old.filter(isReady)).slice(0, spareReady);
  return { createCount, deletions: [...surplus, ...brokenOld, ...readyOld] };
}

function oldest(pods: readonly Pod[], count: number): readonly Pod[] {
  const age = (pod: Pod): string => pod.metadata.creationTimestamp ?? '';
  return pods
    .toSorted((left, right) => age(left).localeCompare(age(right)))
    .slice(0, Math.max(0, count));
}

/** In the order in which a scale-down takes them: not ready first, then the youngest. */
function victims(pods: readonly Pod[]): readonly Pod[] {
  return pods.toSorted(
    (left, right) =>
      Number(isReady(left)) - Number(isReady(right)) ||
      (right.metadata.creationTimestamp ?? '').localeCompare(
        left.metadata.creationTimestamp ?? '',
      ) ||
      right.metadata.name.localeCompare(left.metadata.name),
  );
}

function statusOf(seen: {
  readonly deployment: Deployment;
  readonly wanted: number;
  readonly active: readonly Pod[];
  readonly current: readonly Pod[];
  readonly change: Change;
  readonly now: string;
}): DeploymentStatus {
  const { deployment, wanted, active, current, change } = seen;
  const readyCount = active.filter(isReady).length;
  const isAvailable = readyCount >= wanted - bounds(deployment, wanted).unavailable;
  const isRolledOut =
    current.length === wanted && active.length === wanted && current.every(isReady);
  // What the replica sets of a cluster would ask for by now; while pods are recreated, nothing.
  const askedFor = active.length + change.createCount - change.deletions.length;
  return {
    observedGeneration: deployment.metadata.generation ?? 0,
    ...counted('replicas', active.length),
    ...counted('updatedReplicas', current.length),
    ...counted('readyReplicas', readyCount),
    ...counted('availableReplicas', readyCount),
    ...counted('unavailableReplicas', Math.max(0, askedFor - readyCount)),
    conditions: [
      condition(seen, {
        type: 'Available',
        status: isAvailable ? 'True' : 'False',
        reason: isAvailable ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
        message: `${String(readyCount)} of ${String(wanted)} pods are ready.`,
      }),
      condition(seen, {
        type: 'Progressing',
        status: 'True',
        reason: isRolledOut ? 'NewReplicaSetAvailable' : 'ReplicaSetUpdated',
        message: `${String(current.length)} of ${String(wanted)} pods have the current template.`,
      }),
    ],
  };
}

function counted(field: keyof DeploymentStatus, count: number): Partial<DeploymentStatus> {
  return count === 0 ? {} : { [field]: count };
}

/** Its times move only with what it says. */
function condition(
  seen: { readonly deployment: Deployment; readonly now: string },
  said: Omit<DeploymentCondition, 'lastTransitionTime' | 'lastUpdateTime'>,
): DeploymentCondition {
  const { deployment, now } = seen;
  const before = deployment.status?.conditions.find(({ type }) => type === said.type);
  const isSameStatus = before?.status === said.status;
  const isSame = isSameStatus && before.reason === said.reason && before.message === said.message;
  return {
    ...said,
    lastTransitionTime: isSameStatus ? before.lastTransitionTime : now,
    lastUpdateTime: isSame ? before.lastUpdateTime : now,
  };
}
