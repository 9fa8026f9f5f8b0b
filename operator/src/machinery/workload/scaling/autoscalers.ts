/**
 * The objects that make others scale a Deployment of workers: a HorizontalPodAutoscaler, or the
 * ScaledObject from which KEDA makes one. Pure.
 *
 * Both are told one number, the workers that are needed, with a target of 1 a worker: all arithmetic
 * is in `recommend()`, so they neither damp nor step. They cannot hold 0, which the operator does.
 * The tolerance is for an API server that has the field; a tenth is the rule without it, and
 * `published.ts` lives with that.
 */
import type { Kind } from '@millrace/crds/define-kind';
import type { KubeObject, ObjectMeta } from '../../kube-api.ts';
import type { WorkerBounds } from '../../../scaling/worker-bounds.ts';

export const workersNeededMetric = 'millrace-workers-needed';
/** Labels of the metric; the first holds the kind in CamelCase. */
export const metricKindLabel = 'millrace.dev/kind';
export const metricNameLabel = 'millrace.dev/name';

export interface Scaled {
  readonly kind: Pick<Kind, 'kind' | 'plural'>;
  /** Of the resource. */
  readonly namespace: string;
  readonly name: string;
  /** Of the autoscaler, which shares its name with the Deployment. */
  readonly metadata: ObjectMeta;
  readonly bounds: WorkerBounds;
}

/** An autoscaler holds one worker at least. */
export function leastScaled({ min }: WorkerBounds): number {
  return Math.max(1, min);
}

export function horizontalPodAutoscaler(scaled: Scaled): KubeObject {
  const { kind, name, metadata, bounds } = scaled;
  const selector = { matchLabels: { [metricKindLabel]: kind.kind, [metricNameLabel]: name } };
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata,
    spec: {
      scaleTargetRef: deploymentNamed(metadata.name),
      minReplicas: leastScaled(bounds),
      maxReplicas: Math.max(leastScaled(bounds), bounds.max),
      metrics: [
        {
          type: 'External',
          external: {
            metric: { name: workersNeededMetric, selector },
            target: { type: 'AverageValue', averageValue: '1' },
          },
        },
      ],
      behavior: { scaleUp: exactly, scaleDown: exactly },
    },
  };
}

function deploymentNamed(name: string): object {
  return { apiVersion: 'apps/v1', kind: 'Deployment', name };
}

/** More than the largest number of workers, so that one look is enough for any change. */
const allPods = 64;

const atOnce = {
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [{ type: 'Pods', value: allPods, periodSeconds: 15 }],
} as const;
const exactly = { ...atOnce, tolerance: '0' } as const;

/** For a server that is too old to know the field. */
export function withoutTolerance(autoscaler: KubeObject): KubeObject {
  const spec = autoscaler['spec'] as object;
  return { ...autoscaler, spec: { ...spec, behavior: { scaleUp: atOnce, scaleDown: atOnce } } };
}

/** Whether the server has kept the field: one without it leaves it out, or would have refused it. */
export function hasTolerance(held: KubeObject | undefined): boolean {
  const { behavior } = (held?.['spec'] ?? {}) as { readonly behavior?: Behavior };
  return behavior?.scaleUp?.tolerance !== undefined;
}

interface Behavior {
  readonly scaleUp?: { readonly tolerance?: string | number };
}

export interface KedaEndpoint {
  /** Of the metrics API, without a path. */
  readonly url: string;
  /** A ClusterTriggerAuthentication with the bearer token, and the CA of the URL. */
  readonly authentication: string;
}

/** Twice as often as an autoscaler looks. */
const pollSeconds = 5;

export function scaledObject(scaled: Scaled, { url, authentication }: KedaEndpoint): KubeObject {
  const { kind, namespace, name, metadata, bounds } = scaled;
  const path = `scaling/namespaces/${namespace}/${kind.plural}/${name}`;
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledObject',
    metadata,
    spec: {
      scaleTargetRef: deploymentNamed(metadata.name),
      minReplicaCount: leastScaled(bounds),
      maxReplicaCount: Math.max(leastScaled(bounds), bounds.max),
      pollingInterval: pollSeconds,
      advanced: {
        restoreToOriginalReplicaCount: false,
        horizontalPodAutoscalerConfig: {
          behavior: { scaleUp: atOnce, scaleDown: atOnce },
        },
      },
      triggers: [
        {
          type: 'metrics-api',
          metricType: 'AverageValue',
          metadata: {
            targetValue: '1',
            url: `${url}/${path}`,
            valueLocation: 'needed',
            authMode: 'bearer',
          },
          authenticationRef: { name: authentication, kind: 'ClusterTriggerAuthentication' },
        },
      ],
    },
  };
}

/** Where a ScaledObject of ours was told to ask. */
export function endpointOf(held: KubeObject): KedaEndpoint | undefined {
  const { triggers = [] } = (held['spec'] ?? {}) as { readonly triggers?: readonly Trigger[] };
  const [trigger] = triggers;
  const url = trigger?.metadata?.url?.replace(/\/scaling\/.*$/, '');
  const authentication = trigger?.authenticationRef?.name;
  return url === undefined || authentication === undefined ? undefined : { url, authentication };
}

interface Trigger {
  readonly metadata?: { readonly url?: string };
  readonly authenticationRef?: { readonly name?: string };
}
