/**
 * Reads the coordinator's pods: which there are, what keeps one from running, how one ended and what
 * it left in its termination message. What a pod said is checked against the contract before anybody
 * believes it; what does not fit is as if it had not been said.
 */
import { progress as progressSchema, type CsvImportProgress } from '@millrace/crds/csv-import';
import { Compile } from 'typebox/compile';
import type { KubeObject } from '../../machinery/kube-api.ts';
import { controllerOf } from '../../machinery/object-key.ts';
import type { Store } from '../../machinery/store.ts';
import { uidLabel } from './names.ts';
import type { CoordinatorPod } from './observed.ts';

export const podsOfRole = 'uid and role';

/** Index of pods by import and role. */
export function podIndex({ metadata }: KubeObject): readonly string[] {
  const uid = metadata.labels?.[uidLabel];
  const role = metadata.labels?.['app.kubernetes.io/component'];
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
      conditions: conditions.map((held) => pick(held, ['type', 'status', 'reason'])),
      containerStatuses: containerStatuses.map((held) => pick(held, ['state'])),
    },
  };
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
  }[];
  readonly containerStatuses?: readonly {
    readonly state?: {
      readonly waiting?: { readonly reason?: string };
      readonly terminated?: { readonly exitCode?: number; readonly message?: string };
    };
  }[];
}

/**
 * The coordinator's pods: those that have not ended first, then the newest. Creation times count
 * whole seconds, so that they alone cannot tell a crashed pod from the one that replaced it at once.
 */
export function coordinatorPods(uid: string, pods: Store): readonly CoordinatorPod[] {
  const found = pods
    .byIndex(podsOfRole, `${uid} coordinator`)
    .toSorted((a, b) => created(b).localeCompare(created(a)))
    .map(coordinatorPod);
  return [
    ...found.filter(({ exitCode }) => exitCode === undefined),
    ...found.filter(({ exitCode }) => exitCode !== undefined),
  ];
}

function created({ metadata }: KubeObject): string {
  return metadata.creationTimestamp ?? '';
}

function coordinatorPod(pod: KubeObject): CoordinatorPod {
  const { uid = '', name, deletionTimestamp } = pod.metadata;
  const status = statusOf(pod);
  return {
    uid,
    name,
    jobUid: controllerOf(pod)?.uid,
    isReady: claimed(status, 'Ready', 'True') !== undefined,
    isTerminating: deletionTimestamp !== undefined,
    isDisrupted: claimed(status, 'DisruptionTarget', 'True') !== undefined,
    pendingReason: pendingReason(status),
    ...ending(status),
  };
}

function statusOf(pod: KubeObject): PodStatus {
  // The API server validates pods; every field is read as optional all the same.
  return (pod as { readonly status?: PodStatus }).status ?? {};
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

/** A pod that its node lost, or gave up before a container started, ends without an exit code. */
const killed = 137;

function ending(status: PodStatus): Pick<CoordinatorPod, 'exitCode' | 'report'> {
  const { exitCode, message } = containerOf(status).terminated ?? {};
  return {
    exitCode: exitCode ?? (status.phase === 'Failed' ? killed : undefined),
    report: message === undefined ? undefined : parseProgress(parseJson(message)),
  };
}

const progressCheck = Compile(progressSchema);

/** What a pod reported, if it is a report. */
export function parseProgress(value: unknown): CsvImportProgress | undefined {
  return progressCheck.Check(value) ? value : undefined;
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
