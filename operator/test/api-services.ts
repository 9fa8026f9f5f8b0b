/** The APIServices that tell what a cluster has for scaling, as they stand in one. */
import type { KubeApi, KubeObject } from '../src/machinery/kube-api.ts';
import { externalMetricsServices, kedaServices } from '../src/machinery/workload/resource-types.ts';
import {
  clusterScaling,
  externalMetricsName,
  kedaName,
} from '../src/machinery/workload/scaling/cluster-scaling.ts';
import type { ObservedScaling } from '../src/machinery/workload/scaling/resource-scaling.ts';

export const kedaEndpoint = {
  url: 'https://millrace-metrics-api.millrace-system.svc:443',
  authentication: 'millrace-metrics-api',
};

export type MetricsOwner = 'Millrace' | 'KEDA' | 'Other';

const services: Readonly<Record<MetricsOwner, object>> = {
  Millrace: { namespace: 'millrace-system', name: 'millrace-metrics-api' },
  KEDA: { namespace: 'keda', name: 'keda-operator-metrics-apiserver' },
  Other: { namespace: 'monitoring', name: 'prometheus-adapter' },
};
const partOf: Readonly<Record<MetricsOwner, string>> = {
  Millrace: 'millrace',
  KEDA: 'keda-operator',
  Other: 'prometheus-adapter',
};

export interface Availability {
  readonly isAvailable?: boolean;
  /** RFC 3339. */
  readonly since?: string;
}

const longAgo = '2029-01-01T00:00:00Z';

export function externalMetrics(owner: MetricsOwner, change: Availability = {}): KubeObject {
  const { apiVersion, kind } = externalMetricsServices;
  return {
    apiVersion,
    kind,
    metadata: {
      namespace: '',
      name: externalMetricsName,
      creationTimestamp: longAgo,
      labels: { 'app.kubernetes.io/part-of': partOf[owner] },
    },
    spec: { service: services[owner] },
    status: available(change),
  };
}

export function kedaService(): KubeObject {
  const { apiVersion, kind } = kedaServices;
  const metadata = { namespace: '', name: kedaName, creationTimestamp: longAgo };
  return { apiVersion, kind, metadata, spec: {}, status: available({}) };
}

function available({ isAvailable = true, since = '2029-06-01T00:00:00Z' }: Availability): object {
  const status = isAvailable ? 'True' : 'False';
  return { conditions: [{ type: 'Available', status, lastTransitionTime: since }] };
}

/** Puts one into a cluster, in place of what is there. */
export async function putApiService(api: KubeApi, object: KubeObject): Promise<void> {
  const options = { fieldManager: 'kube-aggregator', force: true };
  const { creationTimestamp: _c, ...metadata } = object.metadata;
  const { status, ...rest }: Record<string, unknown> = object;
  const given = { ...rest, apiVersion: object.apiVersion, kind: object.kind, metadata };
  await api.apply(externalMetricsServices, given, options);
  await api.applyStatus(externalMetricsServices, { ...given, status }, options);
}

/** A cluster that has nothing that could scale. */
export const noScaling: ObservedScaling = {
  autoscalers: { hpa: undefined, scaledObject: undefined },
  cluster: clusterScaling(
    { externalMetrics: undefined, keda: undefined },
    { now: 0, hasEndpoint: false },
  ),
  keda: undefined,
};
