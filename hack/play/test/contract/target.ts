/**
 * What every test of the controllers' contract needs: an API behind which the controllers run, a
 * namespace of its own, and a kubelet, which is the test itself: it writes what pods become.
 */
import { expect } from 'vitest';

import { KubeFailure } from '@millrace/operator/machinery/kube-failure';
import type { KubeApi, KubeObject, ResourceType } from '@millrace/operator/machinery/kube-api';

import {
  asPod,
  isTerminating,
  podType,
  type Pod,
  type PodCondition,
} from '../../controllers/workload.ts';
import { until } from '../until.ts';

export interface ControllersTarget extends AsyncDisposable {
  readonly api: KubeApi;
  /** Empty at the start of a test. */
  readonly namespace: string;
  /** Where its pods are, as far as anybody is told; pods that are nowhere are cleared away. */
  readonly node: string;
  /** `address:port` of everything that the Service leads to now. */
  endpoints(service: string): Promise<readonly string[]>;
}
export type MakeTarget = () => Promise<ControllersTarget>;

/** Controllers act within milliseconds, and on a host that others use as well within many seconds. */
const patienceMs = 90_000;

export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  return until(what, look, patienceMs);
}

/** The name of the object that a test is about. */
export const name = 'subject';

export function podSpec(target: ControllersTarget, fields: object = {}): object {
  return {
    containers: [{ name: mainContainer, image }],
    nodeName: target.node,
    // A node would be waited for; here only a finalizer keeps the object of a deleted pod.
    terminationGracePeriodSeconds: 0,
    ...fields,
  };
}

const mainContainer = 'main';
const image = 'registry.example/main:1';

const fieldManager = 'contract-test';
/** Keeps the object of a deleted pod, as a kubelet does while the processes drain. */
export const drainFinalizer = 'millrace.dev/contract-drain';

export class Scene {
  readonly #target: ControllersTarget;
  readonly #type: ResourceType;

  constructor(target: ControllersTarget, type: ResourceType) {
    this.#target = target;
    this.#type = type;
  }

  get api(): KubeApi {
    return this.#target.api;
  }

  get namespace(): string {
    return this.#target.namespace;
  }

  get #ref(): { readonly namespace: string; readonly name: string } {
    return { namespace: this.namespace, name };
  }

  async apply(spec: object): Promise<KubeObject> {
    const { apiVersion, kind } = this.#type;
    const object = { apiVersion, kind, metadata: this.#ref, spec };
    return this.api.apply(this.#type, object, { fieldManager });
  }

  async patch(spec: object): Promise<KubeObject> {
    return this.api.patch(this.#type, this.#ref, { spec });
  }

  async scale(replicas: number): Promise<void> {
    await this.api.scale(this.#type, this.#ref, { fieldManager, force: true, replicas });
  }

  async delete(): Promise<void> {
    await this.api.delete(this.#type, this.#ref);
  }

  async status<Status>(): Promise<Status> {
    const object = await this.api.get(this.#type, this.#ref);
    return (object?.['status'] ?? {}) as Status;
  }

  /** Waits until the controllers have written a status that matches. */
  async reaches(expected: object): Promise<void> {
    let status: unknown;
    await eventually(`the status matches ${JSON.stringify(expected)}`, async () => {
      status = await this.status();
      return expect.objectContaining(expected).asymmetricMatch(status) || undefined;
    }).catch((cause: unknown) => {
      throw new Error(`the status stayed ${JSON.stringify(status)}`, { cause });
    });
  }

  /** Every pod in the namespace, those on their way out included. */
  async allPods(): Promise<readonly Pod[]> {
    return (await this.api.list(podType, { namespace: this.namespace })).items.map(asPod);
  }

  /** Waits until exactly so many pods are there that have not ended and are not about to. */
  async livePods(count: number): Promise<readonly Pod[]> {
    return eventually(`${String(count)} pods live`, async () => {
      const pods = (await this.allPods()).filter(isLive);
      return pods.length === count ? pods : undefined;
    });
  }

  async onlyPod(): Promise<Pod> {
    const [pod] = await this.livePods(1);
    if (pod === undefined) throw new Error('there is no pod');
    return pod;
  }

  async runs(pod: Pod, options: { isReady?: boolean; podIP?: string } = {}): Promise<void> {
    const state = { running: { startedAt: new Date().toISOString() } };
    const status = statusOf({ isReady: true, ...options, state });
    await this.#write(pod, { phase: 'Running', ...status });
  }

  /** How its only container ended; by a time in the past, back-off is over at once. */
  async ends(
    pod: Pod,
    exitCode: number,
    options: { readonly finishedAt?: string; readonly conditions?: readonly PodCondition[] } = {},
  ): Promise<void> {
    const finishedAt = options.finishedAt ?? '2026-01-01T00:00:00Z';
    const startedAt = finishedAt;
    const reason = exitCode === 0 ? 'Completed' : 'Error';
    const state = { terminated: { exitCode, reason, startedAt, finishedAt } };
    const { conditions, ...status } = statusOf({ isReady: false, state });
    await this.#write(pod, {
      phase: exitCode === 0 ? 'Succeeded' : 'Failed',
      ...status,
      conditions: [...conditions, ...(options.conditions ?? [])],
    });
  }

  /** From now on the object of this pod outlives its deletion until `drained`. */
  async holds(pod: Pod): Promise<void> {
    await this.#changeFinalizers(pod, (present) => [...present, drainFinalizer]);
  }

  async drained(pod: Pod): Promise<void> {
    await this.#changeFinalizers(pod, (present) => present.filter((one) => one !== drainFinalizer));
  }

  /** Of the state that was read and no other: a controller takes its own away at the same time. */
  async #changeFinalizers(
    pod: Pod,
    change: (present: readonly string[]) => readonly string[],
  ): Promise<void> {
    for (;;) {
      const now = await this.api.get(podType, pod.metadata);
      if (now === undefined) return;
      const { resourceVersion, finalizers = [] } = now.metadata;
      const metadata = { resourceVersion, finalizers: change(finalizers) };
      try {
        await this.api.patch(podType, pod.metadata, { metadata });
        return;
      } catch (error) {
        if (!(error instanceof KubeFailure && error.reason === 'Conflict')) throw error;
      }
    }
  }

  async deletes(pod: Pod): Promise<void> {
    await this.api.delete(podType, pod.metadata);
  }

  async #write(pod: Pod, status: object): Promise<void> {
    const { apiVersion, kind } = podType;
    const { namespace, name: own } = pod.metadata;
    const object = { apiVersion, kind, metadata: { namespace, name: own }, status };
    await this.api.applyStatus(podType, object, { fieldManager, force: true });
  }
}

function isLive(pod: Pod): boolean {
  return !isTerminating(pod) && !['Succeeded', 'Failed'].includes(pod.status?.phase ?? '');
}

/** What both a running and an ended pod report; the image because a real server wants it. */
function statusOf(seen: {
  readonly isReady: boolean;
  readonly podIP?: string;
  readonly state: object;
}) {
  const { isReady, podIP = '10.1.0.1', state } = seen;
  const status: PodCondition['status'] = isReady ? 'True' : 'False';
  const lastTransitionTime = new Date().toISOString().replace(/\.\d+/, '');
  const main = { name: mainContainer, ready: isReady, restartCount: 0, state };
  return {
    podIP,
    conditions: [{ type: 'Ready', status, lastTransitionTime }],
    containerStatuses: [{ ...main, image, imageID: 'none' }],
  };
}

/** The objects from the pod's controller upwards, nearest first. */
export async function owners(api: KubeApi, pod: KubeObject): Promise<readonly KubeObject[]> {
  const reference = pod.metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (reference === undefined) return [];
  const { apiVersion, kind, name: own, uid } = reference;
  const type = { apiVersion, kind, plural: `${kind.toLowerCase()}s` };
  const owner = await api.get(type, { namespace: pod.metadata.namespace, name: own });
  if (owner?.metadata.uid !== uid) return [];
  return [owner, ...(await owners(api, owner))];
}
