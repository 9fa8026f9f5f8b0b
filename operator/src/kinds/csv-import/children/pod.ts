/** What a CsvImport’s pods have beside what all pods have: the source, where it is read, and a heap. */
import type { CsvImportSpec } from '@millrace/crds/csv-import';
import { componentLabel, secretName, type Owner } from '../../../machinery/workload/names.ts';
import {
  podTemplate as podTemplateOf,
  type PodExtra,
  type PodTemplate,
} from '../../../machinery/workload/pod-template.ts';
import { names, type Role } from '../names.ts';

export const sourceMountPath = '/var/lib/millrace/source';

/**
 * V8 doubles the space of young objects once so much has survived there, after minutes of load: 65 MB
 * more for ever (measured: 193 to 251 MB; 170 throughout with this bound, for the same CPU).
 */
export const gatewayEnv = { NODE_OPTIONS: '--max-semi-space-size=16' } as const;

export interface PodOptions {
  readonly owner: Owner;
  readonly spec: CsvImportSpec;
  readonly role: Role;
  readonly image: string;
  readonly configHash: string;
  /** Whether the volume of the source can be mounted by one node only. */
  readonly isOnOneNode: boolean;
}

export function podTemplate({ spec, role, isOnOneNode, ...options }: PodOptions): PodTemplate {
  return podTemplateOf({
    ...options,
    names,
    role,
    secretName: secretName(spec),
    isOnce: role === 'coordinator',
    isServing: role === 'gateway',
    // Only what reads the file mounts it: a claim that one node alone may mount must not hold a gateway.
    ...(role === 'gateway'
      ? { extra: { env: gatewayEnv } }
      : volumeOf(spec, isOnOneNode ? options.owner : undefined)),
  });
}

function volumeOf(
  { source: { volume } }: CsvImportSpec,
  together: Owner | undefined,
): { readonly extra?: PodExtra } {
  if (volume === undefined) return {};
  const { claimName } = volume;
  const extra = {
    env: { MILLRACE_SOURCE_VOLUME_MOUNT_PATH: sourceMountPath },
    volumes: [{ name: 'source', persistentVolumeClaim: { claimName, readOnly: true } }],
    volumeMounts: [{ name: 'source', mountPath: sourceMountPath, readOnly: true }],
    ...(together === undefined ? {} : { affinity: onOneNode(together) }),
  };
  return { extra };
}

/**
 * Each pod that reads the source goes where another one is. They match their own rule, so the first of
 * them may go anywhere; a rule that named the coordinator only would leave workers without a place
 * once it is gone.
 */
function onOneNode(owner: Owner): object {
  const { [componentLabel]: _role, ...sameImport } = names.selectorLabels(owner, 'worker');
  const labelSelector = {
    matchLabels: sameImport,
    matchExpressions: [
      { key: componentLabel, operator: 'In', values: ['coordinator', 'worker'] satisfies Role[] },
    ],
  };
  const term = { labelSelector, topologyKey: 'kubernetes.io/hostname' };
  return { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
}
