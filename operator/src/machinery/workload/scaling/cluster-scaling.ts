/**
 * What a cluster has for scaling: whose external metrics API it is, whether that answers, and whether
 * KEDA is there. Read from two APIServices, and from nothing that would have to be asked.
 *
 * Ours is told by the label that the metrics API puts on the APIService which it has made. KEDA is
 * served where the APIService of its group is available.
 */
import type { ScalingStatus } from '@millrace/crds/scaling';
import type { KubeObject } from '../../kube-api.ts';

export const externalMetricsName = 'v1beta1.external.metrics.k8s.io';
export const kedaName = 'v1alpha1.keda.sh';

export interface ClusterScaling {
  readonly externalMetrics: ExternalMetrics;
  readonly isKedaServed: boolean;
  /** Whether it is known where KEDA would find the numbers. */
  readonly hasEndpoint: boolean;
}

export interface ExternalMetrics {
  readonly owner: 'None' | 'Millrace' | 'KEDA' | 'Other';
  /** Its Service, as namespace/name. */
  readonly service: string;
  /** Undefined while it answers. */
  readonly awayForMs: number | undefined;
  /** How long it may be away before somebody else has to scale. */
  readonly graceMs: number;
}

/** A rolling upgrade of two replicas is over by then, and a missing metric has hurt nobody yet. */
const graceMs = 60_000;

export interface ApiServices {
  readonly externalMetrics: KubeObject | undefined;
  readonly keda: KubeObject | undefined;
}

export function clusterScaling(
  { externalMetrics, keda }: ApiServices,
  { now, hasEndpoint }: { readonly now: number; readonly hasEndpoint: boolean },
): ClusterScaling {
  return {
    externalMetrics: externalMetricsOf(externalMetrics, now),
    isKedaServed: keda !== undefined && availability(keda)?.status === 'True',
    hasEndpoint,
  };
}

/** What must have been found for this to have been chosen, for who cannot look. */
export function chosenBefore(status: ScalingStatus | undefined): ClusterScaling {
  const owners = { HPA: 'Millrace', KEDA: 'KEDA', Direct: 'None' } as const;
  const owner = owners[status?.driver ?? 'Direct'];
  const isKeda = owner === 'KEDA';
  const externalMetrics = { owner, service: '', awayForMs: undefined, graceMs };
  return { externalMetrics, isKedaServed: isKeda, hasEndpoint: isKeda };
}

interface Fields {
  readonly spec?: { readonly service?: { readonly namespace?: string; readonly name?: string } };
  readonly status?: { readonly conditions?: readonly Available[] };
}

interface Available {
  readonly type?: string;
  readonly status?: string;
  readonly lastTransitionTime?: string;
}

function externalMetricsOf(held: KubeObject | undefined, now: number): ExternalMetrics {
  if (held === undefined) return { owner: 'None', service: '', awayForMs: undefined, graceMs };
  const { service } = (held as Fields).spec ?? {};
  const name = `${service?.namespace ?? '?'}/${service?.name ?? '?'}`;
  const isThere = availability(held)?.status === 'True';
  const awayForMs = isThere ? undefined : awaySince(held, now);
  return { owner: ownerOf(held, name), service: name, awayForMs, graceMs };
}

function ownerOf({ metadata }: KubeObject, service: string): ExternalMetrics['owner'] {
  const partOf = metadata.labels?.['app.kubernetes.io/part-of'];
  if (partOf === 'millrace') return 'Millrace';
  return partOf === 'keda-operator' || /\/keda-/.test(service) ? 'KEDA' : 'Other';
}

/** Who has never answered has no grace: nothing hangs on it yet. */
function awaySince(held: KubeObject, now: number): number {
  const since = Date.parse(availability(held)?.lastTransitionTime ?? '');
  const made = Date.parse(held.metadata.creationTimestamp ?? '');
  const isNew = Number.isNaN(since) || since - made < firstAnswerMs;
  return isNew ? graceMs : Math.max(0, now - since);
}

/** The aggregator first says of each APIService that it is not available. */
const firstAnswerMs = 2_000;

function availability(held: KubeObject): Available | undefined {
  const { conditions = [] } = (held as Fields).status ?? {};
  return conditions.find(({ type }) => type === 'Available');
}

/** What is kept of an APIService; it has no namespace, and goes by the empty one. */
export function apiServiceEssentials(held: KubeObject): KubeObject {
  const { apiVersion, kind, metadata } = held;
  const { name, uid, resourceVersion, creationTimestamp, labels } = metadata;
  const service = (held as Fields).spec?.service;
  const available = availability(held);
  return {
    apiVersion,
    kind,
    metadata: {
      namespace: '',
      name,
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
      ...(labels === undefined ? {} : { labels }),
    },
    spec: service === undefined ? {} : { service },
    status: { conditions: available === undefined ? [] : [available] },
  };
}
