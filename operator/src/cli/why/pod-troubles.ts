/**
 * What is wrong with a pod, in words, from its own status. Pure. A pod that is merely young has no
 * trouble; nor has one that ended well.
 */
import type { KubeObject } from '../../machinery/kube-api.ts';
import { plural, timeOf } from '../words.ts';
import { exitWords } from './exit-words.ts';

export interface Trouble {
  readonly what: string;
  readonly sinceMs: number | undefined;
  /** What happens next, or what to do. */
  readonly next: string;
}

interface Ended {
  readonly exitCode?: number;
  readonly reason?: string;
  readonly finishedAt?: string;
}

interface Container {
  readonly image?: string;
  readonly restartCount?: number;
  readonly state?: {
    readonly waiting?: Waiting;
    readonly running?: object;
    readonly terminated?: Ended;
  };
  readonly lastState?: { readonly terminated?: Ended };
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

interface Pod {
  readonly pod: KubeObject;
  readonly phase: string | undefined;
  readonly containers: readonly Container[];
  readonly bornMs: number | undefined;
  readonly ageMs: number;
  readonly condition: (type: string) => Condition | undefined;
}

/** Below this a pod is young: scheduling, pulling and starting take their time. */
const patienceMs = 30_000;
const longMs = 3_600_000;

export function podTrouble(pod: KubeObject, now: number): Trouble | undefined {
  const { phase, conditions, containerStatuses, initContainerStatuses } = (pod['status'] ?? {}) as {
    readonly phase?: string;
    readonly conditions?: readonly Condition[];
    readonly containerStatuses?: readonly Container[];
    readonly initContainerStatuses?: readonly Container[];
  };
  const bornMs = timeOf(pod.metadata.creationTimestamp);
  const known: Pod = {
    pod,
    phase,
    containers: [...(initContainerStatuses ?? []), ...(containerStatuses ?? [])],
    bornMs,
    ageMs: now - (bornMs ?? now),
    condition: (type) => conditions?.find((one) => one.type === type),
  };
  if (pod.metadata.deletionTimestamp !== undefined) return terminating(known, now);
  if (phase === 'Succeeded') return undefined;
  return (
    known.containers
      .map((one) => containerTrouble(one, known, now))
      .find((one) => one !== undefined) ??
    (phase === 'Pending' || phase === undefined ? notStarted(known) : notReady(known, now))
  );
}

function terminating({ pod }: Pod, now: number): Trouble | undefined {
  const sinceMs = timeOf(pod.metadata.deletionTimestamp);
  if (sinceMs === undefined || now - sinceMs < patienceMs) return undefined;
  return {
    what: 'should be gone and is not: its node may be away',
    sinceMs,
    next: `look at its node: kubectl get pod ${pod.metadata.name} -n ${pod.metadata.namespace} -o wide`,
  };
}

function containerTrouble(container: Container, pod: Pod, now: number): Trouble | undefined {
  const { waiting, terminated } = container.state ?? {};
  if (waiting !== undefined) return waitingTrouble(container, waiting, pod);
  if (terminated === undefined) return restarted(container, pod, now);
  if (terminated.exitCode === 0) return undefined;
  return {
    what: endedWith(terminated),
    sinceMs: timeOf(terminated.finishedAt),
    next: logHint(pod.pod, ''),
  };
}

function restarted(
  { lastState, restartCount = 0 }: Container,
  { pod }: Pod,
  now: number,
): Trouble | undefined {
  const last = lastState?.terminated;
  const sinceMs = timeOf(last?.finishedAt);
  if (last === undefined || sinceMs === undefined || now - sinceMs > longMs) return undefined;
  return {
    what: `runs again after ${plural(restartCount, 'restart')}; before, it ${endedWith(last)}`,
    sinceMs,
    next: logHint(pod, ' --previous'),
  };
}

function endedWith({ exitCode = 0, reason }: Ended): string {
  if (reason === 'OOMKilled') return 'was killed for using more memory than its limit';
  return `ended with ${exitWords(exitCode)}`;
}

function logHint({ metadata }: KubeObject, flag: string): string {
  return `its log: kubectl logs ${metadata.name} -n ${metadata.namespace}${flag}`;
}

const kubeletTries = 'the kubelet tries again by itself, at least every 5 min';

const unpullable: ReadonlySet<string> = new Set([
  'ImagePullBackOff',
  'ErrImagePull',
  'InvalidImageName',
  'ErrImageNeverPull',
]);
const preparing: ReadonlySet<string> = new Set(['', 'ContainerCreating', 'PodInitializing']);

interface Waiting {
  readonly reason?: string;
  readonly message?: string;
}

function waitingTrouble(
  container: Container,
  { reason = '', message = '' }: Waiting,
  pod: Pod,
): Trouble | undefined {
  const said = message === '' ? '' : `: ${message}`;
  const sinceMs = pod.bornMs;
  if (reason === 'CrashLoopBackOff') return crashing(container, pod);
  if (unpullable.has(reason)) {
    return {
      what: `cannot pull its image ${container.image ?? ''} (${reason})${said}`,
      sinceMs,
      next: `correct the image or the pull secret; ${kubeletTries}`,
    };
  }
  if (!preparing.has(reason)) {
    return { what: `cannot be started (${reason})${said}`, sinceMs, next: kubeletTries };
  }
  if (pod.ageMs < 2 * patienceMs) return undefined;
  return {
    what: `is still being prepared: a volume or the network is not there yet${said}`,
    sinceMs,
    next: kubeletTries,
  };
}

function crashing({ lastState, restartCount = 0 }: Container, { pod, bornMs }: Pod): Trouble {
  const last = lastState?.terminated;
  const how = last === undefined ? '' : `; the last time it ${endedWith(last)}`;
  return {
    what: `ends again and again, ${plural(restartCount, 'time')} by now${how}`,
    sinceMs: timeOf(last?.finishedAt) ?? bornMs,
    next: `${kubeletTries}; ${logHint(pod, ' --previous')}`,
  };
}

function notStarted({ pod, bornMs, ageMs, condition }: Pod): Trouble | undefined {
  const placed = condition('PodScheduled');
  if (placed?.status === 'False') {
    return {
      what: `has no node: ${placed.message ?? 'the scheduler has not said why'}`,
      sinceMs: timeOf(placed.lastTransitionTime) ?? bornMs,
      next: 'the scheduler tries again when nodes, pods or claims change',
    };
  }
  if (ageMs < patienceMs) return undefined;
  const { nodeName } = (pod['spec'] ?? {}) as { readonly nodeName?: string };
  if (nodeName === undefined) {
    return {
      what: 'was looked at by no scheduler',
      sinceMs: bornMs,
      next: 'look whether kube-scheduler runs',
    };
  }
  return {
    what: `was given to node ${nodeName}, which has not started it`,
    sinceMs: bornMs,
    next: `look at the node: kubectl describe node ${nodeName}`,
  };
}

function notReady({ pod, phase, condition }: Pod, now: number): Trouble | undefined {
  if (phase !== 'Running') return undefined;
  const ready = condition('Ready');
  const sinceMs = timeOf(ready?.lastTransitionTime);
  if (ready === undefined || ready.status === 'True') return undefined;
  if (sinceMs !== undefined && now - sinceMs < patienceMs) return undefined;
  return {
    what: `runs and is not ready${ready.message === undefined ? '' : `: ${ready.message}`}`,
    sinceMs,
    next: logHint(pod, ''),
  };
}
