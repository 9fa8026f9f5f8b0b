/**
 * Every derived name, label, annotation and field manager of a CsvImport, in one place.
 *
 * Names of children are deterministic, so that a pass over a stale cache finds its own child instead
 * of making a second one. A resource name may be longer, or use other characters, than a Service or
 * a label may; such a name is shortened and gets a digest of the whole, so that two never meet.
 */
import { createHash } from 'node:crypto';
import type { CsvImportSpec } from '@millrace/crds/csv-import';

export const fieldManager = 'millrace-csv-import';
export const scaleManager = 'millrace-csv-import-scale';
export const statusManager = 'millrace-csv-import-status';

/** Of pods: digest of the configuration they have read. */
export const configHashAnnotation = 'millrace.dev/config-hash';
/** Of the Job and the Deployments: digest of the rendering that their pods are made from. */
export const renderingAnnotation = 'millrace.dev/rendering';
/** Set once the scaler owns the replicas, so that they can be left out of the apply from then on. */
export const replicasAnnotation = 'millrace.dev/replicas-handed-over';
export const uidLabel = 'millrace.dev/uid';
export const kindLabel = 'millrace.dev/kind';
export const managedBy = { 'app.kubernetes.io/managed-by': 'millrace-operator' } as const;

export const configKey = 'config.json';
/** The spec that config.json was made from: what is kept going while a newer one is invalid. */
export const specKey = 'spec.json';
/** What the pods were made from, kept as it is while the operator is upgraded; see rendering.ts. */
export const renderingKey = 'rendering.json';

export type Role = 'coordinator' | 'worker' | 'gateway';

/** Room for the longest suffix within the 63 characters of a label, with the digest a Job adds. */
const baseCharactersMax = 45;
const dnsLabel = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;

/** The stem of all children’s names; the resource’s own name wherever that is allowed. */
export function baseName(name: string): string {
  if (name.length <= baseCharactersMax && dnsLabel.test(name)) return name;
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 8);
  const stem = name
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, baseCharactersMax - 9)
    .replace(/-+$/, '');
  return `${dnsLabel.test(stem) ? stem : `m-${stem.slice(0, -2)}`.replace(/-+$/, '')}-${digest}`;
}

export function configMapName(name: string): string {
  return `${baseName(name)}-config`;
}

export function roleName(name: string, role: Role): string {
  return `${baseName(name)}-${role}`;
}

export function secretName(spec: CsvImportSpec): string {
  return spec.backends?.secretName ?? 'millrace-backends';
}

/** What selects the pods of one role; never changes, since selectors are immutable. */
export function selectorLabels(owner: Owner, role: Role): Record<string, string> {
  return {
    'app.kubernetes.io/name': 'csv-import',
    'app.kubernetes.io/instance': baseName(owner.name),
    'app.kubernetes.io/component': role,
    [uidLabel]: owner.uid,
  };
}

export function labels(owner: Owner, component: Role | 'config'): Record<string, string> {
  return {
    'app.kubernetes.io/name': 'csv-import',
    'app.kubernetes.io/instance': baseName(owner.name),
    'app.kubernetes.io/component': component,
    'app.kubernetes.io/part-of': 'millrace',
    'app.kubernetes.io/version': 'v1alpha1',
    ...managedBy,
    [kindLabel]: 'csv-import',
    [uidLabel]: owner.uid,
  };
}

/** What children need to know of the resource they belong to. */
export interface Owner {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}
