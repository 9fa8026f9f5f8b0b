/**
 * The pod of every role of every kind: one image, one container, the configuration and the backends
 * Secret as files. It meets the restricted Pod Security Standard, has no access to the Kubernetes
 * API, and is told where its files and ports are by variables that override the configuration file.
 *
 * What is written here reaches pods only with the next rendering of a resource; see rendering.ts.
 */
import { configHashAnnotation, configMapName, type KindNames, type Owner } from './names.ts';

export const adminPort = 9_090;
export const httpPort = 8_080;
export const backendsDir = '/etc/millrace/backends';
export const terminationLog = '/dev/termination-log';
const configDir = '/etc/millrace';
/** Kubernetes kills after this long; the drain ends five seconds earlier by itself. */
const gracePeriodSeconds = 30;
export const graceMs = (gracePeriodSeconds - 5) * 1_000;

/** Where a pod listens and finds its files: the part of a configuration that is the same for all. */
export const podSurroundings = {
  bind: {
    admin: { host: '0.0.0.0', port: adminPort },
    http: { host: '0.0.0.0', port: httpPort },
  },
  backendsDir,
  terminationLog,
  graceMs,
  logLevel: 'info',
} as const;

export interface PodOptions<Role extends string = string> {
  readonly names: Pick<KindNames<Role>, 'slug' | 'labels'>;
  readonly owner: Owner;
  readonly role: Role;
  readonly image: string;
  readonly configHash: string;
  /** The Secret with the addresses of the backends. */
  readonly secretName: string;
  /** It ends by itself, and its Job decides what follows. */
  readonly isOnce: boolean;
  /** It answers users, not only probes. */
  readonly isServing: boolean;
  /** What the role has beside what all have. */
  readonly extra?: PodExtra;
}

export interface PodExtra {
  readonly env?: Readonly<Record<string, string>>;
  readonly volumes?: readonly object[];
  readonly volumeMounts?: readonly object[];
  readonly affinity?: object;
}

/** The `template` of a Job or Deployment. */
export type PodTemplate = Readonly<Record<string, unknown>>;

export function podTemplate<Role extends string>(options: PodOptions<Role>): PodTemplate {
  const { names, owner, role, configHash, secretName, isOnce, extra } = options;
  return {
    metadata: {
      labels: names.labels(owner, role),
      annotations: { [configHashAnnotation]: configHash },
    },
    spec: {
      restartPolicy: isOnce ? 'Never' : 'Always',
      automountServiceAccountToken: false,
      // A Service named millrace-… would otherwise become MILLRACE_… variables, which the
      // configuration refuses as unknown keys.
      enableServiceLinks: false,
      terminationGracePeriodSeconds: gracePeriodSeconds,
      ...(extra?.affinity === undefined ? {} : { affinity: extra.affinity }),
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [container(options)],
      volumes: [
        { name: 'config', configMap: { name: configMapName(owner.name) } },
        { name: 'backends', secret: { secretName } },
        ...(extra?.volumes ?? []),
      ],
    },
  };
}

function container<Role extends string>({
  names,
  role,
  image,
  isServing,
  extra,
}: PodOptions<Role>): Readonly<Record<string, unknown>> {
  return {
    name: role,
    image,
    args: [names.slug, role],
    env: env(isServing, extra?.env ?? {}),
    ports: ports(isServing),
    livenessProbe: probe('/livez', { periodSeconds: 10, failureThreshold: 6 }),
    readinessProbe: probe('/readyz', { periodSeconds: 2, failureThreshold: 2 }),
    resources: { requests: { cpu: '100m', memory: '128Mi' } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      { name: 'config', mountPath: configDir, readOnly: true },
      { name: 'backends', mountPath: backendsDir, readOnly: true },
      ...(extra?.volumeMounts ?? []),
    ],
  };
}

function env(
  isServing: boolean,
  extra: Readonly<Record<string, string>>,
): readonly { readonly name: string; readonly value: string }[] {
  const variables: Record<string, string> = {
    MILLRACE_CONFIG: `${configDir}/config.json`,
    MILLRACE_BACKENDS_DIR: backendsDir,
    MILLRACE_TERMINATION_LOG: terminationLog,
    MILLRACE_BIND_ADMIN_HOST: '0.0.0.0',
    MILLRACE_BIND_ADMIN_PORT: String(adminPort),
    ...extra,
    ...(isServing
      ? { MILLRACE_BIND_HTTP_HOST: '0.0.0.0', MILLRACE_BIND_HTTP_PORT: String(httpPort) }
      : {}),
  };
  return Object.entries(variables).map(([name, value]) => ({ name, value }));
}

function ports(isServing: boolean): readonly object[] {
  const admin = { name: 'admin', containerPort: adminPort, protocol: 'TCP' };
  const http = { name: 'http', containerPort: httpPort, protocol: 'TCP' };
  return isServing ? [admin, http] : [admin];
}

function probe(path: string, timing: object): object {
  return { httpGet: { path, port: 'admin' }, timeoutSeconds: 3, ...timing };
}
