/**
 * Reads pods: which there are of a role, what keeps one from running, how one ended and what it left
 * in its termination message. Every field is read as optional, although the API server validates pods.
 */
import type { KubeObject } from '../kube-api.ts';
import { controllerOf } from '../object-key.ts';
import type { Store } from '../store.ts';
import { componentLabel, uidLabel } from './names.ts';

export const podsOfRole = 'uid and role';

/** Index of pods by the resource they belong to, and role. */
export function podIndex({ metadata }: KubeObject): readonly string[] {
  const uid = metadata.labels?.[uidLabel];
  const role = metadata.labels?.[componentLabel];
  return uid === undefined || role === undefined ? [] : [`${uid} ${role}`];
}

/** What is kept of a pod: whose it is, where it answers, how its container is. A third of the whole. */
export function podEssentials(pod: KubeObject): KubeObject {
  const { spec = {}, status = {} } = pod as PodFields;
  const { conditions = [], containerStatuses = [] } = status;
  return {
    apiVersion: pod.apiVersion,
    kind: pod.kind,
    metadata: pick(pod.metadata, [
      'name',
      'namespace',
      'uid',
      'resourceVersion',
      'creationTimestamp',
      'deletionTimestamp',
      'labels',
      'ownerReferences',
    ]),
    spec: { containers: (spec.containers ?? []).map((container) => pick(container, ['ports'])) },
    status: {
      ...pick(status, ['phase', 'podIP']),
      ...startOf(pod),
      conditions: conditions.map((held) => pick(held, ['type', 'status', 'reason'])),
      containerStatuses: containerStatuses.map((held) => pick(held, ['state', 'lastState'])),
    },
  };
}

/** Seconds from its making to its readiness: a small number, that many pods share. */
function startOf(pod: KubeObject): Pick<PodStatus, 'startSeconds'> {
  const { conditions = [] } = (pod as PodFields).status ?? {};
  const ready = conditions.find(({ type, status }) => type === 'Ready' && status === 'True');
  const since = Date.parse(ready?.lastTransitionTime ?? '');
  const seconds = (since - Date.parse(pod.metadata.creationTimestamp ?? '')) / 1_000;
  return seconds >= 0 ? { startSeconds: seconds } : {};
}

interface PodFields {
  readonly spec?: { readonly containers?: readonly { readonly ports?: readonly object[] }[] };
  readonly status?: PodStatus;
}

function pick<T extends object, K extends keyof T>(value: T, fields: readonly K[]): Pick<T, K> {
  const kept = fields.filter((field) => value[field] !== undefined);
  return Object.fromEntries(kept.map((field) => [field, value[field]])) as Pick<T, K>;
}

interface PodStatus {
  readonly phase?: string;
  readonly podIP?: string;
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason?: string;
    readonly lastTransitionTime?: string;
  }[];
  readonly startSeconds?: number;
  readonly containerStatuses?: readonly {
    readonly state?: { readonly waiting?: { readonly reason?: string } } & Terminated;
    readonly lastState?: Terminated;
  }[];
}

interface Terminated {
  readonly terminated?: { readonly exitCode?: number; readonly message?: string };
}

/** One pod as decisions see it. */
export interface PodFacts {
  readonly uid: string;
  readonly name: string;
  /** The Job or ReplicaSet that made it. */
  readonly madeBy: string | undefined;
  readonly isReady: boolean;
  /** From its making until it was ready last; undefined while it is not. */
  readonly startSeconds?: number | undefined;
  readonly isTerminating: boolean;
  /** Taken away by the cluster, which is nobody's failure. */
  readonly isDisrupted: boolean;
  /** Why its container does not run yet, as Kubernetes says it; undefined once it has run. */
  readonly pendingReason: string | undefined;
  /** Of its container, if that does not run; one that is restarted has ended all the same. */
  readonly exitCode: number | undefined;
  /** Nothing of it will start again. */
  readonly hasEnded: boolean;
  /** How its container ended last, if it has at all. */
  readonly lastExit: { readonly exitCode: number; readonly words: unknown } | undefined;
  /** Its termination message, if it left one that is JSON. */
  readonly lastWords: unknown;
}

/**
 * The pods of a role: those that have not ended first, then the newest. Creation times count whole
 * seconds, so that they alone cannot tell a crashed pod from the one that replaced it at once.
 */
export function podsOf(uid: string, role: string, pods: Store): readonly PodFacts[] {
  const found = pods
    .byIndex(podsOfRole, `${uid} ${role}`)
    // Those of one second by name: two operators must mean the same pod when they name one.
    .toSorted((a, b) => order(created(b), created(a)) || order(a.metadata.name, b.metadata.name))
    .map(podFacts);
  return [
    ...found.filter(({ exitCode }) => exitCode === undefined),
    ...found.filter(({ exitCode }) => exitCode !== undefined),
  ];
}

function order(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function created({ metadata }: KubeObject): string {
  return metadata.creationTimestamp ?? '';
}

function podFacts(pod: KubeObject): PodFacts {
  const { uid = '', name, deletionTimestamp } = pod.metadata;
  const status = (pod as { readonly status?: PodStatus }).status ?? {};
  return {
    uid,
    name,
    madeBy: controllerOf(pod)?.uid,
    isReady: claimed(status, 'Ready', 'True') !== undefined,
    startSeconds: status.startSeconds,
    isTerminating: deletionTimestamp !== undefined,
    isDisrupted: claimed(status, 'DisruptionTarget', 'True') !== undefined,
    pendingReason: pendingReason(status),
    hasEnded: status.phase === 'Succeeded' || status.phase === 'Failed',
    lastExit: lastExit(status),
    ...ending(status),
  };
}

function claimed({ conditions = [] }: PodStatus, type: string, status: string) {
  return conditions.find((held) => held.type === type && held.status === status);
}

function containerOf({ containerStatuses = [] }: PodStatus) {
  return containerStatuses[0]?.state ?? {};
}

function pendingReason(status: PodStatus): string | undefined {
  const { phase = 'Pending' } = status;
  if (phase !== 'Pending') return undefined;
  const unscheduled = claimed(status, 'PodScheduled', 'False')?.reason;
  const reason = containerOf(status).waiting?.reason ?? unscheduled ?? 'Pending';
  // Both ends of one alternation: each would otherwise be a change.
  return reason === 'ErrImagePull' ? 'ImagePullBackOff' : reason;
}

function lastExit({ containerStatuses = [] }: PodStatus): PodFacts['lastExit'] {
  const [container] = containerStatuses;
  const last = container?.state?.terminated ?? container?.lastState?.terminated;
  if (last?.exitCode === undefined) return undefined;
  const { exitCode, message } = last;
  return { exitCode, words: message === undefined ? undefined : parseJson(message) };
}

/** A pod that its node lost, or gave up before a container started, ends without an exit code. */
const killed = 137;

function ending(status: PodStatus): Pick<PodFacts, 'exitCode' | 'lastWords'> {
  const { exitCode, message } = containerOf(status).terminated ?? {};
  return {
    exitCode: exitCode ?? (status.phase === 'Failed' ? killed : undefined),
    lastWords: message === undefined ? undefined : parseJson(message),
  };
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What to do about a pod that does not start; a reason that is not here passes by itself. */
const remedies: Readonly<Record<string, string>> = {
  Unschedulable: 'No node has room for it, or may take it.',
  ImagePullBackOff: 'Its image cannot be pulled: check the image, and the pull secrets.',
  InvalidImageName: 'The name of its image is not one: correct the operator’s runtime image.',
  CreateContainerConfigError: 'Its container cannot be configured.',
  CreateContainerError: 'Its container cannot be created.',
  RunContainerError: 'Its container cannot be started.',
};

/** Why the pod does not run, when that is more than being on its way. */
export function podTrouble({ pendingReason }: Pick<PodFacts, 'pendingReason'>): string | undefined {
  return pendingReason === undefined ? undefined : remedies[pendingReason];
}
