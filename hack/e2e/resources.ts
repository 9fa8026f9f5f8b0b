/** Looks at objects of the cluster, in words that fit into the message of a wait that ended in vain. */
import type {
  KubeApi,
  KubeObject,
  ObjectRef,
  ResourceType,
} from '@millrace/operator/machinery/kube-api';
import { deployments, pods, services } from '@millrace/operator/machinery/workload/resource-types';
import { waitFor, waitUntil } from './waiting.ts';

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

export function statusOf<T extends object>(object: KubeObject | undefined): Partial<T> {
  return (object?.['status'] ?? {}) as Partial<T>;
}

export function specOf<T extends object>(object: KubeObject | undefined): Partial<T> {
  return (object?.['spec'] ?? {}) as Partial<T>;
}

export function conditionOf(object: KubeObject | undefined, type: string): Condition | undefined {
  const { conditions = [] } = statusOf<{ conditions: readonly Condition[] }>(object);
  return conditions.find((one) => one.type === type);
}

/** `Ready=False BackendsAway: …; Complete=…` */
export function conditionsText(object: KubeObject | undefined): string {
  if (object === undefined) return 'it is not there';
  const { conditions = [] } = statusOf<{ conditions: readonly Condition[] }>(object);
  const texts = conditions.map(
    ({ type, status, reason = '', message = '' }) => `${type}=${status} ${reason}: ${message}`,
  );
  return texts.length === 0 ? 'it has no conditions' : texts.join('; ');
}

export interface Place extends ObjectRef {
  readonly api: KubeApi;
  readonly type: ResourceType;
}

export async function waitForCondition(
  { api, type, ...ref }: Place,
  wanted: Pick<Condition, 'type' | 'status'> & Partial<Pick<Condition, 'reason'>>,
  withinMs: number,
): Promise<KubeObject> {
  return waitFor({
    what: `${type.kind} ${ref.namespace}/${ref.name} to have ${wanted.type}=${wanted.status} ${wanted.reason ?? ''}`,
    withinMs,
    look: async () => {
      const object = await api.get(type, ref);
      const condition = conditionOf(object, wanted.type);
      const isThere =
        condition?.status === wanted.status &&
        (wanted.reason === undefined || condition.reason === wanted.reason);
      return isThere && object !== undefined
        ? { found: object }
        : { state: conditionsText(object) };
    },
  });
}

export interface Replicas {
  readonly wanted: number;
  readonly ready: number;
}

export async function replicasOf(api: KubeApi, ref: ObjectRef): Promise<Replicas | undefined> {
  const object = await api.get(deployments, ref);
  if (object === undefined) return undefined;
  const { replicas = 0 } = specOf<{ replicas: number }>(object);
  const { readyReplicas = 0 } = statusOf<{ readyReplicas: number }>(object);
  return { wanted: replicas, ready: readyReplicas };
}

/** Until the deployment's numbers are as they should be. */
export async function waitForReplicas(
  { api, ...ref }: ObjectRef & { readonly api: KubeApi },
  withinMs: number,
  isRight: (replicas: Replicas) => boolean,
): Promise<void> {
  const what = `the right number of replicas of ${ref.namespace}/${ref.name}`;
  await waitUntil(what, withinMs, async () => {
    const replicas = await replicasOf(api, ref);
    if (replicas === undefined) return [false, 'it is not there'];
    const { wanted, ready } = replicas;
    return [isRight(replicas), `${String(wanted)} wanted, ${String(ready)} ready`];
  });
}

export interface PodState {
  readonly name: string;
  readonly uid: string;
  readonly isReady: boolean;
  readonly restarts: number;
  readonly phase: string;
}

interface PodStatus {
  readonly phase: string;
  readonly containerStatuses: readonly { readonly restartCount: number }[];
}

/** Without those that are on their way out. */
export async function podsIn(
  api: KubeApi,
  namespace: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<readonly PodState[]> {
  const { items } = await api.list(pods, { namespace, labels });
  return items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map((pod) => {
      const { phase = 'Unknown', containerStatuses = [] } = statusOf<PodStatus>(pod);
      return {
        name: pod.metadata.name,
        uid: pod.metadata.uid ?? '',
        isReady: conditionOf(pod, 'Ready')?.status === 'True',
        restarts: containerStatuses.reduce((sum, { restartCount }) => sum + restartCount, 0),
        phase,
      };
    })
    .toSorted((a, b) => a.name.localeCompare(b.name));
}

export function podsText(found: readonly PodState[]): string {
  if (found.length === 0) return 'no pods';
  return found
    .map(({ name, phase, isReady }) => `${name} ${phase}${isReady ? ', ready' : ''}`)
    .join('; ');
}

interface ServiceSpec {
  readonly clusterIP: string;
  readonly ports: readonly { readonly name: string; readonly port: number }[];
}

/** The address of a Service's port `http`, which this host reaches as pods do. */
export async function serviceUrl(api: KubeApi, ref: ObjectRef): Promise<string> {
  const { clusterIP, ports = [] } = specOf<ServiceSpec>(await api.get(services, ref));
  const port = ports.find(({ name }) => name === 'http')?.port;
  if (clusterIP === undefined || port === undefined) {
    throw new Error(`there is no Service ${ref.namespace}/${ref.name} with a port http`);
  }
  return `http://${clusterIP}:${String(port)}`;
}
