/**
 * A cluster of one host: the API in memory and on disk, controllers, a supervisor for pods and a
 * proxy for Services. It knows no kind; the operator runs on it as it would on a real one.
 *
 * It stops in two steps, because pods drain through the operator's and their own wishes alike: first
 * nothing new is decided, then processes are ended and the state is saved.
 */
import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { systemClock } from '@millrace/kit/clock';
import { createMemoryApi, type MemoryApi } from '@millrace/operator/memory/memory-api';
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import { startControllers } from './controllers/controller-manager.ts';
import { ServiceProxy } from './controllers/service-proxy.ts';
import { definitions } from './manifest-problems.ts';
import type { StatePaths } from './state/paths.ts';
import { loadObjects, objectSaver, type ObjectSaver } from './state/saved-objects.ts';
import { portAllocator } from './supervisor/free-port.ts';
import { hostEnvironment, withLocalPorts } from './supervisor/local-container.ts';
import { Supervisor } from './supervisor/supervisor.ts';

export const repository = fileURLToPath(new URL('../..', import.meta.url));

export interface LocalClusterOptions {
  readonly paths: StatePaths;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly claims: ReadonlyMap<string, string>;
  /** Words of every pod's command before its own arguments. */
  readonly program: readonly string[];
  /** Which saved resources take part in this run. */
  isNamed(object: KubeObject): boolean;
  onError(error: unknown): void;
}

export interface LocalCluster {
  readonly api: MemoryApi;
  readonly proxy: ServiceProxy;
  readonly saver: ObjectSaver;
  /** Ends all pods politely, closes everything and saves. */
  stop(): Promise<void>;
  /** Kills all pods at once; for somebody who will not wait. */
  kill(): void;
}

/** Shorter than a kubelet's and the controllers' ten seconds: somebody is looking. */
const jobBackoff = { baseMs: 500, maxMs: 10_000 };
const connectionGraceMs = 2_000;

export async function startLocalCluster(options: LocalClusterOptions): Promise<LocalCluster> {
  const { paths, env, claims, program } = options;
  const loaded = await loadObjects(paths.objects, (object) => options.isNamed(object));
  const stop = new AbortController();
  const onError = (error: unknown): void => options.onError(error);
  // The saver needs the API, and the API must tell the saver of changes.
  const observer = { changed: (): void => undefined };
  const api = createMemoryApi({
    now: () => Date.now(),
    newUid: () => randomUUID(),
    kinds: definitions,
    changed: () => observer.changed(),
    ...(loaded.snapshot === undefined ? {} : { snapshot: loaded.snapshot }),
  });
  const { signal } = stop;
  const proxy = new ServiceProxy({
    api,
    signal,
    onError,
    preferredPort: (key) => loaded.servicePorts[key],
  });
  const saver = objectSaver({
    file: paths.objects,
    parked: loaded.parked,
    snapshot: () => api.snapshot(),
    servicePorts: () => ({ ...loaded.servicePorts, ...proxy.ports }),
    onError,
  });
  observer.changed = () => saver.changed();
  await mkdir(paths.compileCache, { recursive: true });
  const supervisor = new Supervisor({
    api,
    clock: systemClock,
    stateDir: paths.root,
    program,
    cwd: repository,
    // Compiled code is kept between pods and runs: it halves the start of a process.
    env: { ...hostEnvironment(env), NODE_COMPILE_CACHE: paths.compileCache },
    claims,
    signal,
    onError,
  });
  const freePort = portAllocator();
  const controllers = startControllers({
    api,
    clock: systemClock,
    backoff: jobBackoff,
    signal,
    admit: async (pod) => withLocalPorts(pod, freePort),
    onError,
  });
  return {
    api,
    proxy,
    saver,
    stop: async () => {
      stop.abort();
      await controllers.ended;
      await supervisor.close();
      await proxy.close(connectionGraceMs);
      await saver.flush();
    },
    kill: () => supervisor.killAll(),
  };
}
