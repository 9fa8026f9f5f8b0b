/**
 * The caches of what scales: autoscalers that we own, and two APIServices that tell what the cluster
 * has. The latter are read by name, and whoever may not read them sees none.
 */
import type { ScalingStatus } from '@millrace/crds/scaling';
import { endpointOf, type KedaEndpoint } from './autoscalers.ts';
import {
  apiServiceEssentials,
  chosenBefore,
  clusterScaling,
  externalMetricsName,
  kedaName,
  type ApiServices,
  type ClusterScaling,
} from './cluster-scaling.ts';
import type { KubeApi, KubeObject, ResourceType } from '../../kube-api.ts';
import { KubeFailure } from '../../kube-failure.ts';
import type { CacheOptions, Manager } from '../../manager.ts';
import { keyOf } from '../../object-key.ts';
import { trimUnread, type Store } from '../../store.ts';
import {
  autoscalers,
  externalMetricsServices,
  kedaServices,
  scaledObjects,
} from '../resource-types.ts';

export interface ScalingCaches {
  /** Without their statuses, which move all the time. */
  readonly autoscalers: Store;
  readonly scaledObjects: Store;
  /** What the cluster has for scaling, now. */
  readonly scaling: () => ClusterScaling;
  /** Where KEDA finds the numbers. */
  readonly keda: KedaEndpoint | undefined;
}

export interface ScalingCacheOptions {
  /** How children are cached. */
  readonly owned: CacheOptions;
  readonly keda: KedaEndpoint | undefined;
}

export function scalingCaches(
  manager: Pick<Manager, 'cache' | 'options'>,
  { owned, keda }: ScalingCacheOptions,
): ScalingCaches {
  const children = { ...owned, trim: withoutStatus };
  const single = { isOptional: true, isOfCluster: true, trim: apiServiceEssentials };
  const metrics = manager.cache(externalMetricsServices, { ...single, name: externalMetricsName });
  const kedas = manager.cache(kedaServices, { ...single, name: kedaName });
  const metricsKey = keyOf({ namespace: '', name: externalMetricsName });
  const kedaKey = keyOf({ namespace: '', name: kedaName });
  return {
    autoscalers: manager.cache(autoscalers, children),
    scaledObjects: manager.cache(scaledObjects, { ...children, isOptional: true }),
    scaling: () =>
      clusterScaling(
        { externalMetrics: metrics.get(metricsKey), keda: kedas.get(kedaKey) },
        { now: manager.options.clock.now(), hasEndpoint: keda !== undefined },
      ),
    keda,
  };
}

function withoutStatus({ status: _unread, ...autoscaler }: KubeObject): KubeObject {
  return trimUnread(autoscaler);
}

export interface ScalingPreview {
  readonly api: Pick<KubeApi, 'get'>;
  /** Children of the resource; none of a type that is not served, or may not be read. */
  readonly read: (type: ResourceType) => Promise<Store>;
  readonly status: ScalingStatus | undefined;
  readonly now: number;
  /** Sentences, one for each thing taken for granted. */
  readonly assumed: string[];
}

/**
 * The same, read once, for those who only look. Who may not read APIServices is taken to have those
 * that the operator last chose by, and KEDA to find the numbers where it was told to.
 */
export async function scalingPreview(preview: ScalingPreview): Promise<ScalingCaches> {
  const { read, status, now } = preview;
  const held = await read(scaledObjects);
  const keda = [...held.all()].map(endpointOf).find((endpoint) => endpoint !== undefined);
  const seen = await apiServicesOf(preview);
  const hasEndpoint = keda !== undefined;
  return {
    autoscalers: await read(autoscalers),
    scaledObjects: held,
    scaling: () =>
      seen === undefined ? chosenBefore(status) : clusterScaling(seen, { now, hasEndpoint }),
    keda,
  };
}

async function apiServicesOf({ api, assumed }: ScalingPreview): Promise<ApiServices | undefined> {
  const at = (type: ResourceType, name: string) => api.get(type, { namespace: '', name });
  try {
    const externalMetrics = await at(externalMetricsServices, externalMetricsName);
    return { externalMetrics, keda: await at(kedaServices, kedaName) };
  } catch (error) {
    if (!isAbsence(error)) throw error;
    assumed.push(
      'You may not read APIServices; what scales the workers is taken to be as the operator has chosen.',
    );
    return undefined;
  }
}

export function isAbsence(error: unknown): boolean {
  return (
    error instanceof KubeFailure && (error.reason === 'Forbidden' || error.reason === 'NotFound')
  );
}
