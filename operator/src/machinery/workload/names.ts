/**
 * Every derived name, label, annotation and field manager of a resource and its children, the same
 * for every kind.
 *
 * Names of children are deterministic, so that a pass over a stale cache finds its own child instead
 * of making a second one. A resource name may be longer, or use other characters, than a Service or
 * a label may; such a name is shortened and gets a digest of the whole, so that two never meet.
 */
import { createHash } from 'node:crypto';
import { apiVersion } from '@millrace/crds/define-kind';
import type { ObjectMeta } from '../kube-api.ts';

/** Of pods: digest of the configuration they have read. */
export const configHashAnnotation = 'millrace.dev/config-hash';
/** Of Jobs and Deployments: digest of the rendering that their pods are made from. */
export const renderingAnnotation = 'millrace.dev/rendering';
/** Set once the scaler owns the replicas, so that they can be left out of the apply from then on. */
export const replicasAnnotation = 'millrace.dev/replicas-handed-over';
export const uidLabel = 'millrace.dev/uid';
export const kindLabel = 'millrace.dev/kind';
export const componentLabel = 'app.kubernetes.io/component';
export const instanceLabel = 'app.kubernetes.io/instance';
export const managedBy = { 'app.kubernetes.io/managed-by': 'millrace-operator' } as const;

export const configKey = 'config.json';
/** The spec that config.json was made from: what is kept going while a newer one is invalid. */
export const specKey = 'spec.json';
/** What the pods were made from, kept as it is while the operator is upgraded; see rendering.ts. */
export const renderingKey = 'rendering.json';

/** What children need to know of the resource they belong to. */
export interface Owner {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

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

export function roleName(name: string, role: string): string {
  return `${baseName(name)}-${role}`;
}

/** The Secret with the addresses of the backends, as every kind’s spec names it. */
export function secretName(spec: { readonly backends?: { readonly secretName?: string } }): string {
  return spec.backends?.secretName ?? 'millrace-backends';
}

export interface ChildName<Role extends string = string> {
  readonly name: string;
  readonly component: Role | 'config';
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What is derived from the kind as well; `Role` names its pods. */
export interface KindNames<Role extends string = string> {
  readonly kind: string;
  readonly slug: string;
  readonly fieldManager: string;
  readonly scaleManager: string;
  readonly statusManager: string;
  /** What selects the pods of one role; never changes, since selectors are immutable. */
  readonly selectorLabels: (owner: Owner, role: Role) => Record<string, string>;
  readonly labels: (owner: Owner, component: Role | 'config') => Record<string, string>;
  /** Metadata that every child shares: where it is, whose it is, and what it is part of. */
  readonly metadata: (owner: Owner, child: ChildName<Role>) => ObjectMeta;
}

export interface KindIdentity {
  readonly kind: string;
  readonly slug: string;
  /**
   * Whether children hold a resource back that is deleted in the foreground. Not those of a kind that
   * drains first: they would be deleted before it has.
   */
  readonly isHeldByChildren?: boolean;
}

export function namesOf<Role extends string>({
  kind,
  slug,
  isHeldByChildren = true,
}: KindIdentity): KindNames<Role> {
  const labels = (owner: Owner, component: string): Record<string, string> => ({
    'app.kubernetes.io/name': slug,
    [instanceLabel]: baseName(owner.name),
    [componentLabel]: component,
    'app.kubernetes.io/part-of': 'millrace',
    'app.kubernetes.io/version': 'v1alpha1',
    ...managedBy,
    [kindLabel]: slug,
    [uidLabel]: owner.uid,
  });
  return {
    kind,
    slug,
    fieldManager: `millrace-${slug}`,
    scaleManager: `millrace-${slug}-scale`,
    statusManager: `millrace-${slug}-status`,
    labels,
    selectorLabels: (owner, role) => ({
      'app.kubernetes.io/name': slug,
      [instanceLabel]: baseName(owner.name),
      [componentLabel]: role,
      [uidLabel]: owner.uid,
    }),
    metadata: (owner, child) => ({
      namespace: owner.namespace,
      name: child.name,
      labels: labels(owner, child.component),
      ...(child.annotations === undefined ? {} : { annotations: child.annotations }),
      ownerReferences: [
        {
          apiVersion,
          kind,
          name: owner.name,
          uid: owner.uid,
          controller: true,
          blockOwnerDeletion: isHeldByChildren,
        },
      ],
    }),
  };
}
