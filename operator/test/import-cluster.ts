/**
 * A small cluster for tests of CsvImport: the in-memory API, an operator over it, a clock moved by
 * hand, and verbs for what people and Kubernetes' own controllers would do.
 */
import { customResourceDefinition } from '@millrace/crds/crd-yaml';
import type { CsvImportProgress, CsvImportSpec, CsvImportStatus } from '@millrace/crds/csv-import';
import { apiVersion } from '@millrace/crds/define-kind';
import { kinds } from '@millrace/crds/index';
import type { Condition } from '@millrace/crds/conditions';
import { createLog } from '@millrace/kit/log';
import { createMetrics } from '@millrace/kit/metrics';
import {
  claims,
  configMaps,
  csvImports,
  deployments,
  jobs,
  pods,
  secrets,
  services,
} from '../src/kinds/csv-import/resource-types.ts';
import type { KubeApi, KubeObject, ResourceType } from '../src/machinery/kube-api.ts';
import type { ApiCall } from '../src/memory/faults.ts';
import type { WatchFault } from '../src/memory/watch-hub.ts';
import { createMemoryApi, type MemoryApi } from '../src/memory/memory-api.ts';
import { startOperator, type Operator } from '../src/operator.ts';
import { ManualClock, turns } from './manual-clock.ts';

export const namespace = 'team';
export const users = { namespace, name: 'users' };

export const usersSpec: CsvImportSpec = {
  source: { volume: { claimName: 'data', path: 'users.csv' } },
  columns: [
    { name: 'id', type: 'bigint' },
    { name: 'first_name', type: 'text' },
  ],
  target: { table: 'users', key: ['id'] },
  serve: { enabled: true },
  workers: { min: 0, max: 2 },
};

export const noTotals = { read: 0, loaded: 0, superseded: 0, rejected: 0, comments: 0, blank: 0 };

export function report(change: Partial<CsvImportProgress> = {}): CsvImportProgress {
  return {
    state: 'Loading',
    totals: noTotals,
    bytes: { source: 1_000, planned: 1_000, done: 0 },
    chunks: { planned: 4, done: 0, complete: true },
    workers: { wanted: 2, why: '4 chunks wait' },
    backends: [
      { name: 'postgres', ok: true },
      { name: 'rabbitmq', ok: true },
    ],
    ...change,
  };
}

export interface ClusterOptions {
  readonly spec?: object;
  readonly secret?: Readonly<Record<string, string>> | undefined;
  readonly hasClaim?: boolean;
  /** Resources are stored that the rules of today would refuse, as if they were older than the rules. */
  readonly isLenient?: boolean;
}

export class ImportCluster implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly api: MemoryApi;
  readonly calls: ApiCall[] = [];
  /** What the running coordinator answers at /progress; undefined: it does not answer. */
  progress: CsvImportProgress | undefined;
  /** Told before each call; may change the world first. */
  beforeCall: (call: ApiCall) => Promise<void> = () => Promise.resolve();
  /** What becomes of each event of a watch. */
  onEvent: WatchFault = (event) => [event];
  #operator: Operator | undefined;
  #uids = 0;
  #pods = 0;

  constructor({ isLenient = false }: ClusterOptions = {}) {
    const definitions = kinds.map(customResourceDefinition);
    this.api = createMemoryApi({
      now: () => this.clock.now(),
      newUid: () => `uid-${++this.#uids}`,
      kinds: isLenient ? definitions.map(withoutRules) : definitions,
      faults: {
        before: (call) => this.beforeCall(call),
        after: (call) => {
          this.calls.push(call);
        },
        watch: (event) => this.onEvent(event),
      },
    });
  }

  /** The usual beginning: claim, Secret and resource exist, the operator has settled. */
  static async create(options: ClusterOptions = {}): Promise<ImportCluster> {
    const cluster = new ImportCluster(options);
    await cluster.given(options);
    await cluster.startOperator();
    await cluster.settle();
    return cluster;
  }

  async given({ spec = usersSpec, hasClaim = true, ...options }: ClusterOptions): Promise<void> {
    const secret =
      'secret' in options
        ? options.secret
        : { POSTGRES_URL: 'cA==', RABBITMQ_URL: 'cg==', REDIS_URL: 'cg==' };
    if (hasClaim) await this.createClaim();
    if (secret !== undefined) await this.createSecret(secret);
    await this.api.create(csvImports, {
      apiVersion,
      kind: 'CsvImport',
      metadata: users,
      spec,
    });
  }

  async createClaim(): Promise<void> {
    await this.api.create(claims, {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { namespace, name: 'data' },
      spec: {
        accessModes: ['ReadOnlyMany'],
        resources: { requests: { storage: '1Gi' } },
      },
    });
  }

  async createSecret(data: Readonly<Record<string, string>>): Promise<void> {
    await this.api.create(secrets, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace, name: 'millrace-backends' },
      data,
    });
  }

  async startOperator(api: KubeApi = this.api): Promise<void> {
    this.#operator = await startOperator({
      api,
      clock: this.clock,
      log: createLog({ level: 'silent', bindings: {} }),
      metrics: createMetrics({}),
      config: { runtimeImage: 'millrace-runtimes:test', namespaces: [] },
      podAddress: () => ({ host: '127.0.0.1', port: 9_090 }),
      fetch: async () => {
        await turns(1);
        return this.progress === undefined
          ? new Response('{}', { status: 503 })
          : Response.json(this.progress);
      },
    });
  }

  async stopOperator(): Promise<void> {
    await this.#operator?.stop();
    this.#operator = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopOperator();
  }

  /** Until nothing more happens without time passing, apart from the moments that a watch needs. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 3; quiet++) {
      const before = this.calls.length;
      await this.#operator?.idle();
      await this.clock.advance(60);
      await turns(3);
      if (this.calls.length !== before) quiet = -1;
    }
  }

  async read(type: ResourceType, name: string): Promise<KubeObject | undefined> {
    return await this.api.get(type, { namespace, name });
  }

  async status(): Promise<CsvImportStatus | undefined> {
    const resource = await this.read(csvImports, 'users');
    return resource?.['status'] as CsvImportStatus | undefined;
  }

  async condition(type: string): Promise<Condition | undefined> {
    return (await this.status())?.conditions?.find((held) => held.type === type);
  }

  async changeSpec(change: object): Promise<void> {
    await this.api.patch(csvImports, users, { spec: change });
    await this.settle();
  }

  /** What the Job controller and a kubelet would do: a pod of the coordinator that runs. */
  async runCoordinator(): Promise<string> {
    const job = await this.read(jobs, 'users-coordinator');
    if (job?.metadata.uid === undefined) throw new Error('there is no coordinator Job');
    const { template } = job['spec'] as { template: { metadata: object; spec: object } };
    const name = `users-coordinator-${++this.#pods}`;
    await this.api.create(pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        ...template.metadata,
        namespace,
        name,
        ownerReferences: [
          {
            apiVersion: 'batch/v1',
            kind: 'Job',
            name: 'users-coordinator',
            uid: job.metadata.uid,
            controller: true,
          },
        ],
      },
      spec: template.spec,
    });
    await this.setStatus(pods, name, {
      phase: 'Running',
      podIP: '127.0.0.1',
      conditions: [{ type: 'Ready', status: 'True' }],
    });
    await this.settle();
    return name;
  }

  /** The coordinator ends; the Job's own status follows unless `isJobTold` is false. */
  async endCoordinator(
    pod: string,
    end: { readonly exitCode: number; readonly message?: string; readonly isJobTold?: boolean },
  ): Promise<void> {
    const { exitCode, message, isJobTold = true } = end;
    const terminated = { exitCode, ...(message === undefined ? {} : { message }) };
    await this.setStatus(pods, pod, {
      phase: exitCode === 0 ? 'Succeeded' : 'Failed',
      conditions: [{ type: 'Ready', status: 'False' }],
      containerStatuses: [{ name: 'coordinator', state: { terminated } }],
    });
    if (isJobTold && [0, 64, 65].includes(exitCode)) {
      await this.endJob(exitCode === 0 ? 'Complete' : 'Failed');
    }
    await this.settle();
  }

  async endJob(type: 'Complete' | 'Failed'): Promise<void> {
    await this.setStatus(jobs, 'users-coordinator', {
      conditions: [
        { type, status: 'True', lastTransitionTime: new Date(this.clock.now()).toISOString() },
      ],
    });
  }

  /** Makes the Deployment's status what its spec asks, as its controller would. */
  async rollOut(name: string): Promise<void> {
    const deployment = await this.read(deployments, name);
    const { replicas = 0 } = (deployment?.['spec'] ?? {}) as { replicas?: number };
    await this.setStatus(deployments, name, { replicas, readyReplicas: replicas });
    await this.settle();
  }

  async setStatus(type: ResourceType, name: string, status: object): Promise<void> {
    await this.api.applyStatus(
      type,
      { apiVersion: type.apiVersion, kind: type.kind, metadata: { namespace, name }, status },
      { fieldManager: 'test-cluster', force: true },
    );
  }

  /** Everything the operator is responsible for, without what differs from run to run. */
  async state(): Promise<unknown> {
    const types = [csvImports, configMaps, jobs, deployments, services];
    const lists = await Promise.all(types.map((type) => this.api.list(type, { namespace })));
    return lists.flatMap(({ items }) =>
      items.map(({ metadata, ...rest }) => comparable(metadata, rest)),
    );
  }
}

function comparable(metadata: KubeObject['metadata'], rest: object): unknown {
  const { name, labels, annotations } = metadata;
  const text = JSON.stringify({ name, labels, annotations, ...rest }, (field, value: unknown) => {
    // Times differ, and whoever was killed cannot tell the next one what it had just changed.
    if (['lastTransitionTime', 'startedAt'].includes(field)) return '';
    return field === 'plan' ? undefined : value;
  });
  return JSON.parse(text.replaceAll(/uid-\d+/g, 'uid'));
}

function withoutRules<T>(definition: T): T {
  const text = JSON.stringify(definition, (field, value: unknown) =>
    field === 'x-kubernetes-validations' ? undefined : value,
  );
  return JSON.parse(text) as T;
}
