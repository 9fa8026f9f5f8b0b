/**
 * Where it happens: Postgres and Redis of its own, the local cluster of play with the operator at
 * work, one pipeline that serves, and eyes on ledger and streams. Nothing of it outlives the run
 * unless it is kept on purpose.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { KubeObject, ResourceType } from '@millrace/operator/machinery/kube-api';
import type { BackendName, RunningBackend } from '../../backends/backend.ts';
import { startBackends } from '../../backends/resolve.ts';
import { applyManifests } from '../../play/apply-manifests.ts';
import { backendsSecret } from '../../play/backends-secret.ts';
import { serviceType } from '../../play/controllers/workload.ts';
import { repository, startLocalCluster, type LocalCluster } from '../../play/local-cluster.ts';
import { startLocalOperator } from '../../play/local-operator.ts';
import { loadManifests } from '../../play/manifests.ts';
import { readyEnd, readyView } from '../../play/outcome.ts';
import { statePaths } from '../../play/state/paths.ts';
import { servedUrl } from '../../play/view/addresses.ts';
import { podProcesses, type PodProcess } from '../pods.ts';
import { pipelineName, writeManifest } from './manifest.ts';
import { Observer } from './observer.ts';
import type { ChaosOptions } from './options.ts';

export interface Scene extends AsyncDisposable {
  readonly options: ChaosOptions;
  readonly observer: Observer;
  /** Where the gateways are reached, whichever of them live. */
  readonly url: string;
  backend(name: BackendName): RunningBackend;
  pods(role: PodProcess['role']): readonly PodProcess[];
  resource(): Promise<KubeObject>;
  /** As `kubectl patch` does it. */
  setWorkers(many: number): Promise<void>;
}

export interface SceneOptions {
  readonly options: ChaosOptions;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

const type: ResourceType = {
  apiVersion: 'millrace.dev/v1alpha1',
  kind: 'IncrementPipeline',
  plural: 'incrementpipelines',
};
const place = { namespace: 'default', name: pipelineName };
const readyDeadlineMs = 90_000;

export async function openScene({ options, signal, log }: SceneOptions): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-chaos-'));
  log(`work folder ${folder}`);
  const paths = statePaths(join(folder, 'play'));
  const ends: (() => Promise<unknown>)[] = [
    async () => (options.keep ? undefined : rm(folder, { recursive: true, force: true })),
  ];
  const close = async (): Promise<void> => {
    for (const end of ends.toReversed()) await end().catch((error: unknown) => log(String(error)));
  };
  try {
    const backends = await startBackends(['postgres', 'redis'], {
      stateDir: paths.backends,
      // Given by URL they would be somebody else's, and not ours to kill.
      origins: ['cache', 'path'],
      env: process.env,
      log,
      signal,
    });
    ends.push(async () => Promise.all([...backends.values()].map(async (one) => one.stop())));
    const cluster = await startPipeline({ options, folder, backends, log });
    ends.push(async () => cluster.stop());
    const operator = await startLocalOperator({ api: cluster.api, root: paths.root, env: {} });
    ends.push(async () => operator.stop());
    const backend = (name: BackendName): RunningBackend => {
      const found = backends.get(name);
      if (found === undefined) throw new Error(`${name} was not started`);
      return found;
    };
    const { url, uid } = await served(cluster, signal);
    const postgres = backend('postgres');
    const observer = new Observer({
      postgresUrl: postgres.extra.superuserUrl ?? postgres.url,
      redisUrl: backend('redis').url,
      uid,
    });
    ends.push(async () => observer[Symbol.asyncDispose]());
    await observer.prepare();
    return {
      options,
      observer,
      url,
      backend,
      pods: (role) => podProcesses(paths.root, pipelineName).filter((pod) => pod.role === role),
      resource: async () => resourceOf(cluster),
      setWorkers: async (many) => {
        const spec = { workers: { min: many, max: many } };
        await cluster.api.patch(type, place, { spec });
      },
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startPipeline({
  options,
  folder,
  backends,
  log,
}: Omit<SceneOptions, 'signal'> & {
  readonly folder: string;
  readonly backends: ReadonlyMap<BackendName, RunningBackend>;
}): Promise<LocalCluster> {
  const cluster = await startLocalCluster({
    paths: statePaths(join(folder, 'play')),
    env: process.env,
    claims: new Map(),
    program: [join(repository, 'runtimes/src/main.ts')],
    isNamed: () => true,
    onError: (error) => log(`play: ${error instanceof Error ? error.message : String(error)}`),
  });
  const manifests = await loadManifests([await writeManifest(folder, options)]);
  const secrets = [backendsSecret(place.namespace, backends, {})];
  await applyManifests(cluster.api, { manifests, secrets, claims: new Map(), log });
  return cluster;
}

async function resourceOf({ api }: LocalCluster): Promise<KubeObject> {
  const object = await api.get(type, place);
  if (object === undefined) throw new Error('the pipeline is gone');
  return object;
}

async function served(
  cluster: LocalCluster,
  signal: AbortSignal,
): Promise<{ readonly url: string; readonly uid: string }> {
  const deadlineMs = performance.now() + readyDeadlineMs;
  for (;;) {
    signal.throwIfAborted();
    const object = await resourceOf(cluster);
    const { items } = await cluster.api.list(serviceType);
    const url = servedUrl(object, items, cluster.proxy.served);
    if (readyEnd(object)?.isWell === true && url !== undefined)
      return { url, uid: object.metadata.uid ?? '' };
    if (performance.now() > deadlineMs) {
      const { state, message } = readyView(object);
      throw new Error(`the pipeline is not Ready: ${state}: ${message}`);
    }
    await delay(100);
  }
}
