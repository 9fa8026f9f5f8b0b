/**
 * The pod of every role: one image, one container, the configuration and the backends Secret as
 * files. It meets the restricted Pod Security Standard, has no access to the Kubernetes API, and is
 * told where its files and ports are by variables that override the configuration file.
 */
import {
  configHashAnnotation,
  configMapName,
  labels,
  secretName,
  type Owner,
  type Role,
} from '../names.ts';
import type { CsvImportSpec } from '@millrace/crds/csv-import';

export const adminPort = 9_090;
export const httpPort = 8_080;
export const backendsDir = '/etc/millrace/backends';
export const sourceMountPath = '/var/lib/millrace/source';
export const terminationLog = '/dev/termination-log';
const configDir = '/etc/millrace';
/** Kubernetes kills after this long; the drain ends five seconds earlier by itself. */
const gracePeriodSeconds = 30;
export const graceMs = (gracePeriodSeconds - 5) * 1_000;

export interface PodOptions {
  readonly owner: Owner;
  readonly spec: CsvImportSpec;
  readonly role: Role;
  readonly image: string;
  readonly configHash: string;
}

/** The `template` of a Job or Deployment. */
export type PodTemplate = Readonly<Record<string, unknown>>;

export function podTemplate(options: PodOptions): PodTemplate {
  const { owner, role, configHash } = options;
  return {
    metadata: {
      labels: labels(owner, role),
      annotations: { [configHashAnnotation]: configHash },
    },
    spec: {
      restartPolicy: role === 'coordinator' ? 'Never' : 'Always',
      automountServiceAccountToken: false,
      // A Service named millrace-… would otherwise become MILLRACE_… variables, which the
      // configuration refuses as unknown keys.
      enableServiceLinks: false,
      terminationGracePeriodSeconds: gracePeriodSeconds,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [container(options)],
      volumes: volumes(options),
    },
  };
}

function container({ role, image }: PodOptions): Readonly<Record<string, unknown>> {
  return {
    name: role,
    image,
    args: ['csv-import', role],
    env: env(role),
    ports: ports(role),
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
      ...(readsSource(role)
        ? [{ name: 'source', mountPath: sourceMountPath, readOnly: true }]
        : []),
    ],
  };
}

function volumes({ owner, spec, role }: PodOptions): readonly object[] {
  const source = {
    name: 'source',
    persistentVolumeClaim: { claimName: spec.source.volume?.claimName ?? '', readOnly: true },
  };
  return [
    { name: 'config', configMap: { name: configMapName(owner.name) } },
    { name: 'backends', secret: { secretName: secretName(spec) } },
    ...(readsSource(role) ? [source] : []),
  ];
}

function env(role: Role): readonly { readonly name: string; readonly value: string }[] {
  const variables: Record<string, string> = {
    MILLRACE_CONFIG: `${configDir}/config.json`,
    MILLRACE_BACKENDS_DIR: backendsDir,
    MILLRACE_TERMINATION_LOG: terminationLog,
    MILLRACE_BIND_ADMIN_HOST: '0.0.0.0',
    MILLRACE_BIND_ADMIN_PORT: String(adminPort),
    ...(readsSource(role) ? { MILLRACE_SOURCE_VOLUME_MOUNT_PATH: sourceMountPath } : {}),
    ...(role === 'gateway'
      ? { MILLRACE_BIND_HTTP_HOST: '0.0.0.0', MILLRACE_BIND_HTTP_PORT: String(httpPort) }
      : {}),
  };
  return Object.entries(variables).map(([name, value]) => ({ name, value }));
}

function ports(role: Role): readonly object[] {
  const admin = { name: 'admin', containerPort: adminPort, protocol: 'TCP' };
  const http = { name: 'http', containerPort: httpPort, protocol: 'TCP' };
  return role === 'gateway' ? [admin, http] : [admin];
}

function probe(path: string, timing: object): object {
  return { httpGet: { path, port: 'admin' }, timeoutSeconds: 3, ...timing };
}

/** Only what reads the file mounts it: a claim that one node alone may mount must not hold a gateway. */
function readsSource(role: Role): boolean {
  return role !== 'gateway';
}
