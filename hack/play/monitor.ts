/**
 * Watches the resources of this run: shows them, tells of pods that fail and of addresses that begin
 * to answer, and knows when all have come to what was wanted.
 */
import type { KubeApi, KubeObject } from '@millrace/operator/machinery/kube-api';
import { startControlLoop, type ControlLoop } from './controllers/control-loop.ts';
import {
  asPod,
  deploymentType,
  isTerminating,
  podType,
  serviceType,
  type Pod,
} from './controllers/workload.ts';
import type { ServiceProxy } from './controllers/service-proxy.ts';
import { playKindOf } from './kinds/kinds.ts';
import type { ResourceView } from './kinds/play-kind.ts';
import type { Manifest } from './manifests.ts';
import { isSuspended } from './outcome.ts';
import { isCarried } from './service-pods.ts';
import { servedUrl } from './view/addresses.ts';
import type { Screen } from './view/screen.ts';

export interface MonitorOptions {
  readonly api: KubeApi;
  readonly resources: readonly Manifest[];
  readonly proxy: ServiceProxy;
  readonly screen: Screen;
  readonly logDir: string;
  readonly signal: AbortSignal;
  /** Whether to say where things are served. */
  readonly showsAddresses: boolean;
  onError(error: unknown): void;
}

const redrawMs = 1_000;
/** 128 + SIGTERM. */
const toldToEnd = 143;

export class Monitor {
  readonly #options: MonitorOptions;
  readonly #allEnded = Promise.withResolvers<void>();
  readonly #told = new Set<string>();
  readonly #endedAt = new Map<string, number>();
  /** What ended before is an earlier run's, which has told of it. */
  readonly #since = new Date().toISOString();
  #objects: readonly KubeObject[] = [];
  readonly #loop: ControlLoop;

  constructor(options: MonitorOptions) {
    this.#options = options;
    const types = new Set(options.resources.map(({ type }) => type));
    this.#loop = startControlLoop({
      api: options.api,
      watched: [...types, podType, serviceType],
      signal: options.signal,
      onError: (error) => options.onError(error),
      reconcile: async () => this.#look(),
    });
  }

  /** Resolves when every resource has ended, one way or the other; what has no end, when it serves. */
  get allEnded(): Promise<void> {
    return this.#allEnded.promise;
  }

  /** Resolves after the signal has aborted. */
  get closed(): Promise<void> {
    return this.#loop.ended;
  }

  get objects(): readonly KubeObject[] {
    return this.#objects;
  }

  endedAtMs(object: KubeObject): number | undefined {
    return this.#endedAt.get(object.metadata.uid ?? '');
  }

  async #look(): Promise<{ readonly againInMs: number }> {
    const { api, resources, screen } = this.#options;
    const found = await Promise.all(
      resources.map(async ({ type, object }) => api.get(type, object.metadata)),
    );
    this.#objects = found.filter((object) => object !== undefined);
    const pods = (await api.list(podType)).items.map(asPod);
    const deployments = (await api.list(deploymentType)).items;
    const isUp = (object: KubeObject): boolean =>
      playKindOf(object).runsToAnEnd ||
      isSuspended(object) ||
      isCarried(object, { deployments, pods });
    screen.show(this.#objects.map((object) => viewOf(object, isUp(object))));
    for (const pod of pods) this.#tellFailure(pod);
    if (this.#options.showsAddresses) await this.#tellAddresses();
    const ended = this.#objects.filter((object) => {
      const end = playKindOf(object).end(object);
      return end !== undefined && (!end.isWell || isUp(object));
    });
    for (const { metadata } of ended) {
      const uid = metadata.uid ?? '';
      if (!this.#endedAt.has(uid)) this.#endedAt.set(uid, performance.now());
    }
    if (ended.length === resources.length) this.#allEnded.resolve();
    return { againInMs: redrawMs };
  }

  #tellFailure(pod: Pod): void {
    const container = pod.status?.containerStatuses?.[0];
    const ending = container?.state.terminated ?? container?.lastState?.terminated;
    if (ending === undefined || isAskedFor(pod, ending.exitCode)) return;
    const key = `${pod.metadata.name} ${ending.finishedAt}`;
    if (this.#told.has(key) || ending.finishedAt < this.#since) return;
    this.#told.add(key);
    const { logDir, screen } = this.#options;
    const { name } = pod.metadata;
    screen.line(
      `pod ${name} ended with exit code ${String(ending.exitCode)}; its log is ${logDir}/${name}.log`,
    );
  }

  async #tellAddresses(): Promise<void> {
    const { api, proxy, screen } = this.#options;
    const services = (await api.list(serviceType)).items;
    for (const object of this.#objects) {
      const key = `address ${object.metadata.uid ?? ''}`;
      const url = servedUrl(object, services, proxy.served);
      if (url === undefined || this.#told.has(key)) continue;
      this.#told.add(key);
      for (const line of playKindOf(object).addresses(object, url)) screen.line(line);
    }
  }
}

function viewOf(object: KubeObject, isUp: boolean): ResourceView {
  const view = playKindOf(object).view(object);
  // What a status of an earlier run says of pods that are gone would only mislead.
  return isUp || view.state !== 'Ready' ? view : { ...view, state: 'Starting', figures: [] };
}

/** 64 and 65 are answers, which the status carries in words; workers that are not needed are told to end. */
function isAskedFor(pod: Pod, exitCode: number): boolean {
  return [0, 64, 65].includes(exitCode) || (exitCode === toldToEnd && isTerminating(pod));
}
