/**
 * How a container of the cluster runs as a process of this host; pure.
 *
 * There is no mount namespace and no network namespace here, so paths and ports of the pod template
 * are translated: a value that starts with a mount path leads to the local folder instead, each
 * named port has a free port of this host, and MILLRACE_BIND_<PORT>_PORT and _HOST say so to the
 * process. Nothing else of the environment is changed, and nothing of ours leaks in from outside.
 */
import type { Container, Pod, PodSpec } from '../controllers/workload.ts';

export const loopback = '127.0.0.1';

/** From a path in the container to one on this host. */
export type PathMap = ReadonlyMap<string, string>;

export interface LocalCommand {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** What a process of any kind needs of its host; a driver's own variables (PG…, npm's) stay out. */
const inherited =
  /^(PATH|HOME|USER|TMPDIR|TZ|LANG|LC_[A-Z]+|LOG_LEVEL|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR))$/;

export function hostEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      inherited.test(name) && value !== undefined ? [[name, value]] : [],
    ),
  );
}

export function localCommand(
  container: Container,
  host: { readonly paths: PathMap; readonly env: Readonly<Record<string, string>> },
): LocalCommand {
  const ports = new Map(
    (container.ports ?? []).map((port) => [bindVariable(port.name), port.containerPort]),
  );
  const env: Record<string, string> = { ...host.env };
  for (const { name, value = '' } of container.env ?? []) {
    const bound = bindOf(name, ports);
    env[name] = bound ?? localPath(value, host.paths);
  }
  const words = [...(container.command ?? []), ...(container.args ?? [])];
  return { args: words.map((word) => localPath(word, host.paths)), env };
}

function bindOf(name: string, ports: ReadonlyMap<string, number>): string | undefined {
  const match = /^MILLRACE_BIND_(?<port>[A-Z0-9_]+)_(?<what>PORT|HOST)$/.exec(name);
  const port = ports.get(match?.groups?.['port'] ?? '');
  if (match?.groups === undefined || port === undefined) return undefined;
  return match.groups['what'] === 'HOST' ? loopback : String(port);
}

function bindVariable(portName: string | undefined): string {
  return (portName ?? '').toUpperCase().replaceAll('-', '_');
}

/** The deepest mount wins, as it would in a mount namespace. */
export function localPath(value: string, paths: PathMap): string {
  const mount = [...paths.keys()]
    .filter((path) => value === path || value.startsWith(`${path}/`))
    .toSorted((left, right) => right.length - left.length)[0];
  return mount === undefined ? value : `${paths.get(mount) ?? ''}${value.slice(mount.length)}`;
}

/** The pod with ports of this host in place of the template's, so that its spec says the truth. */
export async function withLocalPorts(pod: Pod, freePort: () => Promise<number>): Promise<Pod> {
  const containers: Container[] = [];
  for (const container of pod.spec.containers) {
    if (container.ports === undefined) {
      containers.push(container);
      continue;
    }
    const ports = [];
    for (const port of container.ports) ports.push({ ...port, containerPort: await freePort() });
    containers.push({ ...container, ports });
  }
  return { ...pod, spec: { ...pod.spec, containers: withLocalProbes(pod.spec, containers) } };
}

/** A probe that names its port by number means the template's number. */
function withLocalProbes(
  template: PodSpec,
  containers: readonly Container[],
): readonly Container[] {
  return containers.map((container, index) => {
    const before = template.containers[index]?.ports ?? [];
    const after = container.ports ?? [];
    const moved = new Map(before.map((port, at) => [port.containerPort, after[at]?.containerPort]));
    const probes = (['readinessProbe', 'livenessProbe', 'startupProbe'] as const).flatMap(
      (kind) => {
        const probe = container[kind];
        const port = probe?.httpGet?.port;
        const local = typeof port === 'number' ? moved.get(port) : undefined;
        if (probe?.httpGet === undefined || local === undefined) return [];
        return [[kind, { ...probe, httpGet: { ...probe.httpGet, port: local } }] as const];
      },
    );
    return { ...container, ...Object.fromEntries(probes) };
  });
}
