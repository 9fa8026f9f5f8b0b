/**
 * What surrounds an operator of IncrementPipelines, without the operator: the in-memory API, a clock
 * moved by hand, what the pods answer, and verbs for what people and Kubernetes' own controllers
 * would do. Nothing here waits for the operator to react; that is left to whoever runs one.
 */
import { customResourceDefinition } from '@millrace/crds/crd-yaml';
import { apiVersion } from '@millrace/crds/define-kind';
import type {
  IncrementPipelineProgress,
  IncrementPipelineSpec,
  IncrementPipelineStatus,
} from '@millrace/crds/increment-pipeline';
import { kinds } from '@millrace/crds/index';
import { incrementPipelines } from '../src/kinds/increment-pipeline/resource-types.ts';
import type { KubeObject, ResourceType } from '../src/machinery/kube-api.ts';
import { deployments, jobs, pods, secrets } from '../src/machinery/workload/resource-types.ts';
import type { Faults } from '../src/memory/faults.ts';
import { createMemoryApi, type MemoryApi } from '../src/memory/memory-api.ts';
import type { Snapshot } from '../src/memory/snapshot.ts';
import { ManualClock } from './manual-clock.ts';
import { withoutRules } from './without-rules.ts';

export const namespace = 'team';
export const views = { namespace, name: 'views' };

export const viewsSpec: IncrementPipelineSpec = {
  target: { table: 'increments' },
  partitions: 4,
  gateway: { replicas: 2 },
  workers: { min: 1, max: 3 },
};

export const pipelineBackends = { POSTGRES_URL: 'cA==', REDIS_URL: 'cg==' };

/** What a pod of a pipeline at rest says: alive, connected, nothing in flight. */
export function pipelineReport(
  change: Partial<IncrementPipelineProgress> = {},
): IncrementPipelineProgress {
  return {
    state: 'Running',
    totals: {
      accepted: 100,
      committed: 100,
      duplicates: 0,
      deadLetters: 0,
      lost: 0,
      incarnations: 0,
    },
    backlog: { entries: 0, increments: 0, bytes: 0, maxBytes: 268_435_456 },
    stalenessMs: 0,
    rates: { acceptedPerSecond: 0, committedPerSecond: 0 },
    partitions: { total: 4, owned: 4 },
    members: { gateways: 2, workers: 1 },
    durability: { ok: true },
    backends: [
      { name: 'postgres', ok: true },
      { name: 'redis', ok: true },
    ],
    ...change,
  };
}

/** With increments in flight. */
export function backlog(entries: number): IncrementPipelineProgress['backlog'] {
  return { entries, increments: entries * 10, bytes: entries * 300, maxBytes: 268_435_456 };
}

export interface PipelineWorldOptions {
  /** Resources are stored that the rules of today would refuse, as if they were older than the rules. */
  readonly isLenient?: boolean;
  readonly faults?: Faults;
  readonly past?: Past;
}

/** Where another world has come to. */
interface Past {
  readonly snapshot: Snapshot;
  readonly time: string;
  readonly progress: IncrementPipelineProgress | undefined;
  readonly uids: ReadonlyMap<string, number>;
  readonly pods: number;
}

export interface GivenPipeline {
  readonly spec?: object;
  readonly secret?: Readonly<Record<string, string>> | undefined;
}

// Rules are compiled once for each definition, so that a thousand worlds cost no thousand compilations.
const definitions = kinds.map(customResourceDefinition);
const lenientDefinitions = definitions.map(withoutRules);

export class PipelineWorld {
  readonly clock: ManualClock;
  readonly api: MemoryApi;
  /** What the pods answer at /progress; undefined: they do not answer. */
  progress: IncrementPipelineProgress | undefined;
  #uids = new Map<string, number>();
  #pods = 0;
  #options: PipelineWorldOptions;

  constructor(options: PipelineWorldOptions = {}) {
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
  save(): { readonly snapshot: Snapshot; readonly copy: () => PipelineWorld } {
    const past: Past = {
      snapshot: this.api.snapshot(),
      time: new Date(this.clock.now()).toISOString(),
      progress: this.progress,
      uids: new Map(this.#uids),
      pods: this.#pods,
    };
    return { snapshot: past.snapshot, copy: () => new PipelineWorld({ ...this.#options, past }) };
  }

  /** The same for the first of a name in every run, whatever else was made before it. */
  #newUid({ kind, name }: { readonly kind: string; readonly name: string }): string {
    const number = (this.#uids.get(`${kind}/${name}`) ?? 0) + 1;
    this.#uids.set(`${kind}/${name}`, number);
    return `uid-of-${kind.toLowerCase()}-${name}-${number}`;
  }

  readonly answer = (): object | undefined => this.progress;
  readonly podAddress = () => ({ host: '127.0.0.1', port: 9_090 });

  async given({ spec = viewsSpec, ...options }: GivenPipeline = {}): Promise<void> {
    const secret = 'secret' in options ? options.secret : pipelineBackends;
    if (secret !== undefined) await this.createSecret(secret);
    await this.createPipeline(spec);
  }

  async createPipeline(spec: object = viewsSpec): Promise<void> {
    const { kind } = incrementPipelines;
    await this.api.create(incrementPipelines, { apiVersion, kind, metadata: views, spec });
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

  async status(): Promise<IncrementPipelineStatus | undefined> {
    const resource = await this.read(incrementPipelines, views.name);
    return resource?.['status'] as IncrementPipelineStatus | undefined;
  }

  async changeSpec(change: object): Promise<void> {
    await this.api.patch(incrementPipelines, views, { spec: change });
  }

  /** As many as the spec of the Deployment asks for; undefined without a Deployment. */
  async replicas(role: 'gateway' | 'worker'): Promise<number | undefined> {
    const held = await this.read(deployments, `views-${role}`);
    return (held?.['spec'] as { readonly replicas?: number } | undefined)?.replicas;
  }

  /**
   * What the Deployment controller and kubelets would do: as many ready pods as are asked for, and
   * the status that says so. Surplus pods end at once.
   */
  async rollOut(role: 'gateway' | 'worker'): Promise<void> {
    const name = `views-${role}`;
    const deployment = await this.read(deployments, name);
    const spec = deployment?.['spec'] as { replicas?: number; template: Template } | undefined;
    const wanted = spec?.replicas ?? 0;
    const running = await this.podsOf(role);
    for (const pod of running.slice(wanted)) await this.delete(pods, pod.metadata.name);
    for (let count = running.length; count < wanted; count++) {
      await this.#startPod(
        { name, kind: 'ReplicaSet', uid: `uid-of-${name}-replicas` },
        spec?.template,
      );
    }
    if (deployment === undefined) return;
    const replicas = { replicas: wanted, readyReplicas: wanted };
    const observedGeneration = deployment.metadata.generation ?? 1;
    await this.setStatus(deployments, name, { ...replicas, observedGeneration });
  }

  /** Both Deployments, where they are there. */
  async rollOutAll(): Promise<void> {
    await this.rollOut('gateway');
    await this.rollOut('worker');
  }

  /** Pods of a role that are there, ended or not. */
  async podsOf(role: string): Promise<readonly KubeObject[]> {
    const labels = { 'app.kubernetes.io/component': role };
    return (await this.api.list(pods, { namespace, labels })).items;
  }

  /** The janitor's pod starts. */
  async runJanitor(): Promise<string> {
    const job = await this.read(jobs, 'views-janitor');
    if (job?.metadata.uid === undefined) throw new Error('there is no janitor Job');
    const { template } = job['spec'] as { readonly template: Template };
    return await this.#startPod(
      { name: 'views-janitor', kind: 'Job', uid: job.metadata.uid },
      template,
    );
  }

  /** The janitor's pod ends, and its Job with it where the exit code is a last word. */
  async endJanitor(pod: string, exitCode: number): Promise<void> {
    await this.setStatus(pods, pod, {
      phase: exitCode === 0 ? 'Succeeded' : 'Failed',
      conditions: [{ type: 'Ready', status: 'False' }],
      containerStatuses: [{ name: 'janitor', state: { terminated: { exitCode } } }],
    });
    if (![0, 64, 65].includes(exitCode)) return;
    const type = exitCode === 0 ? 'Complete' : 'Failed';
    const lastTransitionTime = new Date(this.clock.now()).toISOString();
    await this.setStatus(jobs, 'views-janitor', {
      conditions: [{ type, status: 'True', lastTransitionTime }],
    });
  }

  async setStatus(type: ResourceType, name: string, status: object): Promise<void> {
    await this.api.applyStatus(
      type,
      { apiVersion: type.apiVersion, kind: type.kind, metadata: { namespace, name }, status },
      { fieldManager: 'test-cluster', force: true },
    );
  }

  async #startPod(
    maker: { readonly name: string; readonly kind: string; readonly uid: string },
    template: Template | undefined,
  ): Promise<string> {
    const name = `${maker.name}-${++this.#pods}`;
    const owner =
      maker.kind === 'Job' ? { apiVersion: 'batch/v1', ...maker, controller: true } : undefined;
    await this.api.create(pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        ...template?.metadata,
        namespace,
        name,
        // Nobody makes ReplicaSets here, and a pod of one that is not there would be collected.
        ...(owner === undefined ? {} : { ownerReferences: [owner] }),
      },
      spec: template?.spec ?? {},
    });
    await this.setStatus(pods, name, {
      phase: 'Running',
      podIP: '127.0.0.1',
      conditions: [{ type: 'Ready', status: 'True' }],
    });
    return name;
  }
}

interface Template {
  readonly metadata: object;
  readonly spec: object;
}
