/** What a CsvImport’s pods have beside what all pods have: the source, where it is read. */
import type { CsvImportSpec } from '@millrace/crds/csv-import';
import { secretName, type Owner } from '../../../machinery/workload/names.ts';
import {
  podTemplate as podTemplateOf,
  type PodExtra,
  type PodTemplate,
} from '../../../machinery/workload/pod-template.ts';
import { names, type Role } from '../names.ts';

export const sourceMountPath = '/var/lib/millrace/source';

export interface PodOptions {
  readonly owner: Owner;
  readonly spec: CsvImportSpec;
  readonly role: Role;
  readonly image: string;
  readonly configHash: string;
}

export function podTemplate({ spec, role, ...options }: PodOptions): PodTemplate {
  return podTemplateOf({
    ...options,
    names,
    role,
    secretName: secretName(spec),
    isOnce: role === 'coordinator',
    isServing: role === 'gateway',
    // Only what reads the file mounts it: a claim that one node alone may mount must not hold a gateway.
    ...(role === 'gateway' ? {} : volumeOf(spec)),
  });
}

function volumeOf({ source: { volume } }: CsvImportSpec): { readonly extra?: PodExtra } {
  if (volume === undefined) return {};
  const { claimName } = volume;
  const extra = {
    env: { MILLRACE_SOURCE_VOLUME_MOUNT_PATH: sourceMountPath },
    volumes: [{ name: 'source', persistentVolumeClaim: { claimName, readOnly: true } }],
    volumeMounts: [{ name: 'source', mountPath: sourceMountPath, readOnly: true }],
  };
  return { extra };
}
