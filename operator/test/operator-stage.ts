/**
 * An operator in this process on a namespace of the real server, with a record of what it wrote. What
 * pods answer is given by the test, which also plays the kubelet: there is none.
 */
import { systemClock } from '@millrace/kit/clock';
import { createLog } from '@millrace/kit/log';
import { createMetrics } from '@millrace/kit/metrics';
import type {
  KubeApi,
  KubeObject,
  ListOptions,
  ResourceType,
  WatchEvent,
} from '../src/machinery/kube-api.ts';
import { deployments, pods } from '../src/machinery/workload/resource-types.ts';
import { startOperator } from '../src/operator.ts';
import { settledVersions } from './import-namespace.ts';
import { until } from './operator-process.ts';
import type { RealNamespace } from './real-cluster.ts';

const writes = ['create', 'apply', 'patch', 'applyStatus', 'scale', 'delete'];

export class OperatorStage<Progress extends object> implements AsyncDisposable {
  readonly cluster: RealNamespace;
  /** Writes of the operator that took effect, as verb and object. */
  readonly written: string[] = [];
  /** What every pod answers; undefined: it does not. */
  progress: Progress | undefined;
  /** What the cluster has for scaling, by name; the real one is shared with other tests. */
  apiServices: readonly KubeObject[] = [];
  #stop: (() => Promise<void>) | undefined;

  constructor(cluster: RealNamespace) {
    this.cluster = cluster;
  }

  async startOperator(): Promise<void> {
    const operator = await startOperator({
      api: this.#recording(),
      clock: systemClock,
      log: createLog({ level: 'silent', bindings: {} }),
      metrics: createMetrics({}),
      config: {
        runtimeImage: 'millrace-runtimes:test',
        namespaces: [this.cluster.namespace],
        statusIntervalMs: 200,
      },
      podAddress: () => ({ host: '127.0.0.1', port: 9_090 }),
      fetch: async () =>
        this.progress === undefined
          ? new Response('{}', { status: 503 })
          : Response.json(this.progress),
    });
    this.#stop = () => operator.stop();
  }

  async stopOperator(): Promise<void> {
    await this.#stop?.();
    this.#stop = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopOperator();
    await this.cluster[Symbol.asyncDispose]();
  }

  async settle(): Promise<void> {
    await settledVersions(this.cluster);
  }

  async read(type: ResourceType, name: string): Promise<KubeObject | undefined> {
    return await this.cluster.api.get(type, { namespace: this.cluster.namespace, name });
  }

  async replicas(name: string): Promise<number | undefined> {
    const deployment = await this.read(deployments, name);
    return (deployment?.['spec'] as { replicas?: number } | undefined)?.replicas;
  }

  /** Something wakes the operator that is none of its business: a label of somebody else. */
  async touch(children: readonly (readonly [ResourceType, string])[]): Promise<void> {
    const { api, namespace } = this.cluster;
    for (const [type, name] of children) {
      await api.patch(type, { namespace, name }, { metadata: { labels: { touched: 'yes' } } });
    }
  }

  /** A pod of this role that is there and stays. */
  async podOf(role: string): Promise<KubeObject | undefined> {
    const { api, namespace } = this.cluster;
    const labels = { 'app.kubernetes.io/component': role };
    const { items } = await api.list(pods, { namespace, labels });
    return items.find(({ metadata }) => metadata.deletionTimestamp === undefined);
  }

  /** What a kubelet would do: a pod that a controller made runs. */
  async runPodOf(role: string): Promise<KubeObject> {
    const pod = await this.untilFound(() => this.podOf(role), `the pod of the ${role}`);
    await this.setPodStatus(pod, {
      phase: 'Running',
      podIP: '127.0.0.1',
      conditions: [{ type: 'Ready', status: 'True' }],
      containerStatuses: [containerStatus(role, { running: {} })],
    });
    return pod;
  }

  async setPodStatus({ metadata }: KubeObject, status: object): Promise<void> {
    const { namespace, name } = metadata;
    const object = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name }, status };
    await this.cluster.api.applyStatus(pods, object, { fieldManager: 'kubelet', force: true });
  }

  /** No child is left that is named after the resource. */
  async untilCollected(name: string, types: readonly ResourceType[]): Promise<void> {
    const { api, namespace } = this.cluster;
    await this.untilTrue(async () => {
      const lists = await Promise.all(types.map((type) => api.list(type, { namespace })));
      const left = lists.flatMap(({ items }) => items.map(({ metadata }) => metadata.name));
      return left.every((held) => !held.startsWith(name));
    }, 'the children to be collected');
  }

  async untilFound<T>(read: () => Promise<T | undefined>, what: string): Promise<T> {
    return await until(read, () => what);
  }

  async untilTrue(read: () => Promise<boolean>, what: string): Promise<void> {
    await until(
      async () => ((await read()) ? true : undefined),
      () => what,
    );
  }

  #scoped(target: KubeApi, verb: keyof KubeApi): (...input: unknown[]) => unknown {
    const call = target[verb].bind(target) as (...input: unknown[]) => unknown;
    if (verb !== 'list' && verb !== 'watch') return call;
    return (...input) => {
      const [type, options] = input as [ResourceType, ListOptions];
      if (type.plural !== 'apiservices') return call(...input);
      const items = this.apiServices.filter(({ metadata }) => metadata.name === options.name);
      const watch = options as { signal?: AbortSignal };
      return verb === 'list'
        ? Promise.resolve({ items, resourceVersion: '1' })
        : silence(watch.signal);
    };
  }

  #recording(): KubeApi {
    const { api } = this.cluster;
    return new Proxy(api, {
      get: (target, verb: keyof KubeApi) => {
        const call = this.#scoped(target, verb);
        if (!writes.includes(verb)) return call;
        return async (...input: unknown[]) => {
          const answer = await call(...input);
          const [type, object] = input as [
            { kind: string },
            Partial<KubeObject> & { name?: string },
          ];
          this.written.push(`${verb} ${type.kind}/${object.metadata?.name ?? object.name}`);
          return answer;
        };
      },
    });
  }
}

/** A watch on which nothing happens. */
async function* silence(signal: AbortSignal | undefined): AsyncGenerator<WatchEvent, void> {
  const end = Promise.withResolvers<void>();
  signal?.addEventListener('abort', () => end.resolve(), { once: true });
  if (signal?.aborted !== true) await end.promise;
  yield* [];
}

export function containerStatus(name: string, state: object): object {
  return {
    name,
    image: 'millrace-runtimes:test',
    imageID: '',
    ready: 'running' in state,
    restartCount: 0,
    state,
  };
}
