/**
 * What only a real server has: defaults it writes into children, controllers that own Deployments and
 * Jobs with us, pods of theirs, and a garbage collector. There is no kubelet: a coordinator runs when
 * the test writes the status of its pod.
 */
import type { CsvImportProgress, CsvImportStatus } from '@millrace/crds/csv-import';
import { systemClock } from '@millrace/kit/clock';
import { createLog } from '@millrace/kit/log';
import { createMetrics } from '@millrace/kit/metrics';
import { expect, it } from 'vitest';
import {
  childrenOf,
  importNamed,
  prerequisites,
  settledVersions,
} from '../../../test/import-namespace.ts';
import { report } from '../../../test/import-world.ts';
import { until } from '../../../test/operator-process.ts';
import {
  describeOnCluster,
  realNamespace,
  type RealNamespace,
} from '../../../test/real-cluster.ts';
import type { KubeApi, KubeObject } from '../../machinery/kube-api.ts';
import { startOperator } from '../../operator.ts';
import { csvImports } from './resource-types.ts';
import {
  configMaps,
  deployments,
  jobs,
  pods,
  services,
} from '../../machinery/workload/resource-types.ts';

const writes = ['create', 'apply', 'patch', 'applyStatus', 'scale', 'delete'];

class Stage implements AsyncDisposable {
  readonly cluster: RealNamespace;
  /** Writes of the operator that took effect, as verb and object. */
  readonly written: string[] = [];
  progress: CsvImportProgress | undefined;
  #stop: (() => Promise<void>) | undefined;

  constructor(cluster: RealNamespace) {
    this.cluster = cluster;
  }

  static async create(): Promise<Stage> {
    const stage = new Stage(await realNamespace());
    await prerequisites(stage.cluster);
    await stage.startOperator();
    await importNamed('users', stage.cluster);
    await childrenOf('users', stage.cluster);
    return stage;
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

  async read(type: typeof jobs, name: string): Promise<KubeObject | undefined> {
    return await this.cluster.api.get(type, { namespace: this.cluster.namespace, name });
  }

  async status(): Promise<CsvImportStatus | undefined> {
    return (await this.read(csvImports, 'users'))?.['status'] as CsvImportStatus | undefined;
  }

  async replicas(name: string): Promise<number | undefined> {
    const deployment = await this.read(deployments, name);
    return (deployment?.['spec'] as { replicas?: number } | undefined)?.replicas;
  }

  async changeSpec(spec: object): Promise<void> {
    const { api, namespace } = this.cluster;
    await api.patch(csvImports, { namespace, name: 'users' }, { spec });
  }

  /** What a kubelet would do: the pod that the Job controller made runs. */
  async runCoordinator(): Promise<KubeObject> {
    const pod = await this.untilFound(() => this.coordinatorPod(), 'the pod of the coordinator');
    await this.setPodStatus(pod, {
      phase: 'Running',
      podIP: '127.0.0.1',
      conditions: [{ type: 'Ready', status: 'True' }],
      containerStatuses: [containerStatus({ running: {} })],
    });
    return pod;
  }

  async setPodStatus({ metadata }: KubeObject, status: object): Promise<void> {
    const { namespace, name } = metadata;
    const object = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name }, status };
    await this.cluster.api.applyStatus(pods, object, { fieldManager: 'kubelet', force: true });
  }

  async coordinatorPod(): Promise<KubeObject | undefined> {
    const { items } = await this.cluster.api.list(pods, {
      namespace: this.cluster.namespace,
      labels: { 'app.kubernetes.io/component': 'coordinator' },
    });
    return items.find(({ metadata }) => metadata.deletionTimestamp === undefined);
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

  #recording(): KubeApi {
    const { api } = this.cluster;
    return new Proxy(api, {
      get: (target, verb: keyof KubeApi) => {
        const call = target[verb].bind(target) as (...input: unknown[]) => unknown;
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

function containerStatus(state: object): object {
  return {
    name: 'coordinator',
    image: 'millrace-runtimes:test',
    imageID: '',
    ready: 'running' in state,
    restartCount: 0,
    state,
  };
}

describeOnCluster('a CsvImport on a real API server', () => {
  it('is made once, and a second operator finds nothing to write', async () => {
    await using stage = await Stage.create();
    await stage.settle();
    expect(stage.written.filter((line) => line.startsWith('apply ')).length).toBeGreaterThan(4);

    await stage.stopOperator();
    stage.written.length = 0;
    await stage.startOperator();
    await stage.settle();
    // Something wakes it again: a label that is not ours.
    const { api, namespace } = stage.cluster;
    for (const [type, name] of [
      [configMaps, 'users-config'],
      [jobs, 'users-coordinator'],
      [deployments, 'users-worker'],
      [deployments, 'users-gateway'],
      [services, 'users-gateway'],
    ] as const) {
      await api.patch(type, { namespace, name }, { metadata: { labels: { touched: 'yes' } } });
    }
    await stage.settle();

    expect(stage.written).toEqual([]);
  });

  it('hands replicas to the scaler, suspends, resumes and rolls a change out', async () => {
    await using stage = await Stage.create();
    stage.progress = report();
    await stage.runCoordinator();
    await stage.untilTrue(async () => (await stage.replicas('users-worker')) === 2, '2 workers');
    await stage.settle();
    const worker = await stage.read(deployments, 'users-worker');
    expect(managersOf(worker, 'f:replicas')).toEqual(['millrace-csv-import-scale']);

    await stage.changeSpec({ suspend: true });
    await stage.untilTrue(async () => (await stage.replicas('users-worker')) === 0, 'no workers');
    await stage.untilTrue(
      async () => reasonOf(await stage.status(), 'Suspended') === 'Suspended',
      'the import to be suspended',
    );
    expect(await stage.read(jobs, 'users-coordinator')).toMatchObject({ spec: { suspend: true } });

    await stage.changeSpec({ suspend: false });
    await stage.runCoordinator();
    await stage.untilTrue(async () => (await stage.replicas('users-worker')) === 2, '2 workers');
    const before = await stage.read(jobs, 'users-coordinator');
    await stage.changeSpec({ rejects: { maxRows: 7 } });
    const made = await stage.untilFound(async () => {
      const job = await stage.read(jobs, 'users-coordinator');
      return job?.metadata.uid === before?.metadata.uid ? undefined : job;
    }, 'the Job to be made anew');
    await stage.settle();

    expect(made.metadata.uid).not.toBe(before?.metadata.uid);
    expect(stage.written.filter((line) => line === 'delete Job/users-coordinator')).toHaveLength(1);
    expect(await stage.status()).toMatchObject({
      intent: {
        step: expect.stringContaining('delete Job/users-coordinator') as unknown,
        uid: before?.metadata.uid,
      },
    });
  });

  it('says what the pod of the coordinator lacks, and is Complete by its last words', async () => {
    await using stage = await Stage.create();
    const stuck = await stage.untilFound(async () => {
      const status = await stage.status();
      return reasonOf(status, 'Ready') === 'CoordinatorPending' ? status : undefined;
    }, 'the import to tell of its pending pod');
    const pod = await stage.runCoordinator();
    expect(stuck.waiting).toEqual([
      expect.objectContaining({
        what: 'the coordinator’s pod to run: Unschedulable',
        object: `Pod/${pod.metadata.name}`,
      }),
    ]);

    const totals = { read: 10, loaded: 9, superseded: 1, rejected: 0, comments: 0, blank: 0 };
    const message = JSON.stringify(report({ state: 'Complete', totals }));
    await stage.setPodStatus(pod, {
      phase: 'Succeeded',
      conditions: [{ type: 'Ready', status: 'False' }],
      containerStatuses: [containerStatus({ terminated: { exitCode: 0, message } })],
    });
    await stage.untilTrue(
      async () => reasonOf(await stage.status(), 'Complete') === 'Complete',
      'the import to be complete',
    );

    expect(await stage.status()).toMatchObject({ totals, percent: 100 });
    await stage.untilTrue(async () => (await stage.replicas('users-worker')) === 0, 'no workers');
  });

  it('leaves nothing behind when it is deleted', async () => {
    await using stage = await Stage.create();
    await stage.untilFound(() => stage.coordinatorPod(), 'the pod of the coordinator');
    const { api, namespace } = stage.cluster;

    await api.delete(csvImports, { namespace, name: 'users' });

    const types = [configMaps, jobs, deployments, services, pods];
    await stage.untilTrue(async () => {
      const lists = await Promise.all(types.map((type) => api.list(type, { namespace })));
      const left = lists.flatMap(({ items }) => items.map(({ metadata }) => metadata.name));
      return left.every((name) => !name.startsWith('users'));
    }, 'the children to be collected');
    expect(await stage.read(csvImports, 'users')).toBeUndefined();
  });
});

function reasonOf(status: CsvImportStatus | undefined, type: string): string | undefined {
  return status?.conditions?.find((condition) => condition.type === type)?.reason;
}

interface Managed {
  readonly managedFields?: readonly { readonly manager: string; readonly fieldsV1?: object }[];
}

function managersOf(object: KubeObject | undefined, field: string): readonly string[] {
  const { managedFields = [] } = (object?.metadata ?? {}) as Managed;
  return managedFields
    .filter(({ fieldsV1 }) => JSON.stringify(fieldsV1 ?? {}).includes(`"${field}"`))
    .map(({ manager }) => manager)
    .filter((manager) => manager.startsWith('millrace'));
}
