/**
 * Postgres, Redis, RabbitMQ and an S3 store on this host for the pods of a cluster on this host.
 *
 * The servers listen on loopback alone, as everywhere in this project. Each gets a forwarder at the
 * address by which pods know this host, on the same port, so that the URLs for pods differ from ours
 * in the host and in nothing else. A backend given by a URL that names another machine is used as it
 * is: pods reach it without us, or not at all.
 */
import type { BackendName, RunningBackend } from '../backends/backend.ts';
import { startBackends } from '../backends/resolve.ts';
import { startForwarder, type Forwarder } from './forwarder.ts';

export interface LocalBackendsOptions {
  /** Holds the data; those who name the same folder share its servers. */
  readonly stateDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly fresh?: boolean | 'if-unused';
  log(line: string): void;
  readonly signal?: AbortSignal;
}

export type Backends = ReadonlyMap<BackendName, RunningBackend>;

export interface HostBackends extends AsyncDisposable {
  /** With URLs for this host. */
  readonly local: Backends;
  /** With URLs for pods. */
  readonly forPods: Backends;
}

const names: readonly BackendName[] = ['postgres', 'redis', 'rabbitmq', 's3'];

/** Started, and reachable for this host alone. */
export async function startLocalBackends(options: LocalBackendsOptions): Promise<Backends> {
  const { stateDir, env, fresh = false, signal } = options;
  return startBackends(names, {
    stateDir,
    env,
    fresh,
    log: (line) => options.log(line),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Made reachable for pods, which know this host by that address; ends with the backends. */
export async function reachableAt(hostAddress: string, local: Backends): Promise<HostBackends> {
  const forwarders: Forwarder[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(forwarders.map(async (one) => one[Symbol.asyncDispose]()));
    await Promise.all([...local.values()].map(async (one) => one.stop()));
  };
  try {
    for (const { url } of local.values()) {
      if (!isLoopback(url)) continue;
      const port = Number(new URL(url).port);
      forwarders.push(await startForwarder({ host: hostAddress, port, targetPort: port }));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const forPods = new Map(
    [...local].map(([name, backend]) => [name, seenFrom(hostAddress, backend)]),
  );
  return { local, forPods, [Symbol.asyncDispose]: stop };
}

function seenFrom(hostAddress: string, backend: RunningBackend): RunningBackend {
  const { ownerUrl, s3 } = backend.extra;
  return {
    ...backend,
    url: withHost(backend.url, hostAddress),
    extra: {
      ...(ownerUrl === undefined ? {} : { ownerUrl: withHost(ownerUrl, hostAddress) }),
      ...(s3 === undefined ? {} : { s3 }),
    },
  };
}

function isLoopback(url: string): boolean {
  return ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname);
}

/** Only loopback is ours to rename. */
export function withHost(url: string, host: string): string {
  if (!isLoopback(url)) return url;
  const changed = new URL(url);
  changed.hostname = host;
  return changed.href;
}
