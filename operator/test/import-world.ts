/**
 * What surrounds an operator of CsvImports, without the operator: the in-memory API, a clock moved by
 * hand, what the coordinator's pod answers, and verbs for what people and Kubernetes' own controllers
 * would do. Nothing here waits for the operator to react; that is left to whoever runs one.
 */
import { customResourceDefinition } from '@millrace/crds/crd-yaml';
import type { CsvImportProgress, CsvImportSpec, CsvImportStatus } from '@millrace/crds/csv-import';
import { apiVersion } from '@millrace/crds/define-kind';
import { kinds } from '@millrace/crds/index';
import { claims, csvImports } from '../src/kinds/csv-import/resource-types.ts';
import { deployments, jobs, pods, secrets } from '../src/machinery/workload/resource-types.ts';
import type { KubeObject, ResourceType } from '../src/machinery/kube-api.ts';
import type { Faults } from '../src/memory/faults.ts';
import { createMemoryApi, type MemoryApi } from '../src/memory/memory-api.ts';
import type { Snapshot } from '../src/memory/snapshot.ts';
import { ManualClock } from './manual-clock.ts';
import { withoutRules } from './without-rules.ts';

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

export const backends = { POSTGRES_URL: 'cA==', RABBITMQ_URL: 'cg==', REDIS_URL: 'cg==' };

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

export interface WorldOptions {
  /** Resources are stored that the rules of today would refuse, as if they were older than the rules. */
  readonly isLenient?: boolean;
  readonly faults?: Faults;
  readonly past?: Past;
}

/** Where another world has come to. */
interface Past {
  readonly snapshot: Snapshot;
  readonly time: string;
  readonly progress: CsvImportProgress | undefined;
  readonly uids: ReadonlyMap<string, number>;
  readonly pods: number;
}

export interface GivenOptions {
  readonly spec?: object;
  readonly secret?: Readonly<Record<string, string>> | undefined;
  readonly hasClaim?: boolean;
}

// Rules are compiled once for each definition, so that a thousand worlds cost no thousand compilations.
const definitions = kinds.map(customResourceDefinition);
const lenientDefinitions = definitions.map(withoutRules);

export class ImportWorld {
  readonly clock: ManualClock;
  readonly api: MemoryApi;
  /** What the running coordinator answers at /progress; undefined: it does not answer. */
  progress: CsvImportProgress | undefined;
  #uids = new Map<string, number>();
  #pods = 0;

  #options: WorldOptions;

  constructor(options: WorldOptions = {}) {
    const { isLenient = false, faults = {}, past } = options;
    this.#options = options;
    this.clock = new ManualClock(past?.time);
    this.api = createMemoryApi({
      now: () => this.clock.now(),
      newUid: (object) => this.#newUid(object),
      kinds: isLenient ? lenientDefinitions : definitions,
      faults,
      ...(past === undefined ? {} : { snapshot: past.snapshot }),
    });
    if (past === undefined) return;
    this.progress = past.progress;
    this.#uids = new Map(past.uids);
    this.#pods = past.pods;
  }

  /** As it is now: worlds of their own can go on from here. */
  save(): { readonly snapshot: Snapshot; readonly copy: () => ImportWorld } {
    const past: Past = {
      snapshot: this.api.snapshot(),
      time: new Date(this.clock.now()).toISOString(),
      progress: this.progress,
      uids: new Map(this.#uids),
      pods: this.#pods,
    };
    return { snapshot: past.snapshot, copy: () => new ImportWorld({ ...this.#options, past }) };
  }

  /** The same for the first of a name in every run, whatever else was made before it. */
  #newUid({ kind, name }: { readonly kind: string; readonly name: string }): string {
    const number = (this.#uids.get(`${kind}/${name}`) ?? 0) + 1;
    this.#uids.set(`${kind}/${name}`, number);
    return `uid-of-${kind.toLowerCase()}-${name}-${number}`;
  }

  /** What every pod answers that is asked: the coordinator, and once the import is complete a gateway. */
  readonly answer = (): object | undefined => this.progress;
  readonly podAddress = () => ({ host: '127.0.0.1', port: 9_090 });

  async given({ spec = usersSpec, hasClaim = true, ...options }: GivenOptions = {}): Promise<void> {
    const secret = 'secret' in options ? options.secret : backends;
    if (hasClaim) await this.createClaim();
    if (secret !== undefined) await this.createSecret(secret);
    await this.createImport(spec);
  }

  async createImport(spec: object = usersSpec): Promise<void> {
    await this.api.create(csvImports, { apiVersion, kind: 'CsvImport', metadata: users, spec });
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

  async read(type: ResourceType, name: string): Promise<KubeObject | undefined> {
    return await this.api.get(type, { namespace, name });
  }

  async delete(type: ResourceType, name: string): Promise<void> {
    await this.api.delete(type, { namespace, name });
  }

  async status(): Promise<CsvImportStatus | undefined> {
    const resource = await this.read(csvImports, 'users');
    return resource?.['status'] as CsvImportStatus | undefined;
  }

  async changeSpec(change: object): Promise<void> {
    await this.api.patch(csvImports, users, { spec: change });
  }

  /** What the Job controller and a kubelet would do: a pod of the coordinator that runs. */
  async runCoordinator(): Promise<string> {
    return await this.#runPod('users-coordinator');
  }

  /** The janitor's pod starts. */
  async runJanitor(): Promise<string> {
    return await this.#runPod('users-janitor');
  }

  /** The janitor's pod ends, and its Job with it where the exit code is a last word. */
  async endJanitor(pod: string, exitCode: number): Promise<void> {
    await this.setStatus(pods, pod, {
      phase: exitCode === 0 ? 'Succeeded' : 'Failed',
      conditions: [{ type: 'Ready', status: 'False' }],
      containerStatuses: [{ name: 'janitor', state: { terminated: { exitCode } } }],
    });
    if (![0, 64, 65].includes(exitCode)) return;
    await this.endJob(exitCode === 0 ? 'Complete' : 'Failed', 'users-janitor');
  }

  /** What the Job controller does about a suspension: no pod is left, and the status says so. */
  async stopCoordinator(pod: string): Promise<void> {
    if ((await this.read(pods, pod)) !== undefined) await this.delete(pods, pod);
    await this.setStatus(jobs, 'users-coordinator', {
      conditions: [{ type: 'Suspended', status: 'True' }],
    });
  }

  async #runPod(maker: string): Promise<string> {
    const job = await this.read(jobs, maker);
    if (job?.metadata.uid === undefined) throw new Error(`there is no Job ${maker}`);
    const { template } = job['spec'] as { template: { metadata: object; spec: object } };
    const name = `${maker}-${++this.#pods}`;
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
            name: maker,
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
    return name;
  }

  /** The coordinator ends; the Job's own status follows unless `isJobTold` is false. */
  async endCoordinator(
    pod: string,
    end: {
      readonly exitCode: number;
      readonly message?: string;
      readonly isJobTold?: boolean;
      readonly isDisrupted?: boolean;
    },
  ): Promise<void> {
    const { exitCode, message, isJobTold = true, isDisrupted = false } = end;
    const terminated = { exitCode, ...(message === undefined ? {} : { message }) };
    await this.setStatus(pods, pod, {
      phase: exitCode === 0 ? 'Succeeded' : 'Failed',
      conditions: [
        ...(isDisrupted ? [{ type: 'DisruptionTarget', status: 'True' }] : []),
        { type: 'Ready', status: 'False' },
      ],
      containerStatuses: [{ name: 'coordinator', state: { terminated } }],
    });
    if (isJobTold && [0, 64, 65].includes(exitCode)) {
      await this.endJob(exitCode === 0 ? 'Complete' : 'Failed');
    }
  }

  async endJob(type: 'Complete' | 'Failed', name = 'users-coordinator'): Promise<void> {
    await this.setStatus(jobs, name, {
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
  }

  async setStatus(type: ResourceType, name: string, status: object): Promise<void> {
    await this.api.applyStatus(
      type,
      { apiVersion: type.apiVersion, kind: type.kind, metadata: { namespace, name }, status },
      { fieldManager: 'test-cluster', force: true },
    );
  }
}
