/**
 * Scaling as every kind has it: what is observed of it, what is decided from that and the spec, and
 * what is claimed and published. Pure but for reading caches.
 *
 *     observe:     scaling: observeScaling(owner, caches)
 *     care:        scaling: scalingFor({ kind, names, owner, asked: spec.scaling, bounds, observed })
 *     plan:        autoscaled({ ...scaled, ...scaling, isToRest })
 *     conditions:  autoscalingReady(scaling)
 *     status:      scaling: publishedScaling({ ... })
 */
import type { Kind } from '@millrace/crds/define-kind';
import type { ScalingSpec, ScalingStatus } from '@millrace/crds/scaling';
import {
  hasTolerance,
  horizontalPodAutoscaler,
  scaledObject,
  type KedaEndpoint,
} from './autoscalers.ts';
import type { ClusterScaling } from './cluster-scaling.ts';
import { chooseDriver, type DriverChoice } from './driver.ts';
import { published } from './published.ts';
import type { WorkerBounds } from '../../../scaling/worker-bounds.ts';
import type { Claim } from '../../conditions.ts';
import type { KubeObject } from '../../kube-api.ts';
import { keyOf } from '../../object-key.ts';
import type { Autoscaled, HeldAutoscalers } from './autoscaled.ts';
import type { WorkloadCaches } from '../caches.ts';
import { roleName, type KindNames, type Owner } from '../names.ts';
import { presentReplicas } from '../scaled.ts';

export interface ObservedScaling {
  readonly autoscalers: HeldAutoscalers;
  readonly cluster: ClusterScaling;
  /** Where KEDA finds the numbers. */
  readonly keda: KedaEndpoint | undefined;
}

/** The role whose pods are scaled; the same in every kind. */
const role = 'worker';

export function observeScaling(
  { namespace, name }: Pick<Owner, 'namespace' | 'name'>,
  caches: Pick<WorkloadCaches, 'autoscalers' | 'scaledObjects' | 'scaling' | 'keda'>,
): ObservedScaling {
  const key = keyOf({ namespace, name: roleName(name, role) });
  return {
    autoscalers: {
      hpa: caches.autoscalers.get(key),
      scaledObject: caches.scaledObjects.get(key),
    },
    cluster: caches.scaling(),
    keda: caches.keda,
  };
}

export interface ScalingInput {
  readonly kind: Pick<Kind, 'kind' | 'plural'>;
  readonly names: Pick<KindNames<typeof role>, 'metadata'>;
  readonly owner: Owner;
  readonly asked: ScalingSpec | undefined;
  readonly bounds: WorkerBounds;
  readonly observed: ObservedScaling;
}

export interface Scaling extends Pick<
  Autoscaled,
  'driver' | 'bounds' | 'autoscaler' | 'autoscalers'
> {
  readonly choice: DriverChoice;
}

export function scalingFor(input: ScalingInput): Scaling {
  const { owner, asked, bounds, observed } = input;
  const choice = chooseDriver({ asked, name: owner.name, cluster: observed.cluster });
  return {
    choice,
    driver: choice.driver,
    bounds,
    autoscaler: autoscalerOf(input, choice),
    autoscalers: observed.autoscalers,
  };
}

function autoscalerOf(
  { kind, names, owner, bounds, observed: { keda } }: ScalingInput,
  { driver }: DriverChoice,
): KubeObject | undefined {
  const metadata = names.metadata(owner, { name: roleName(owner.name, role), component: role });
  const scaled = { kind, ...owner, metadata, bounds };
  if (driver === 'HPA') return horizontalPodAutoscaler(scaled);
  return driver === 'KEDA' && keda !== undefined ? scaledObject(scaled, keda) : undefined;
}

export function autoscalingReady(scaling: Scaling | undefined): Claim {
  const type = 'AutoscalingReady';
  if (scaling === undefined) {
    const message = 'What scales the workers is decided once the spec is valid.';
    return { type, status: 'Unknown', reason: 'SpecNotValid', message };
  }
  const { isReady, reason, message } = scaling.choice;
  return { type, status: isReady ? 'True' : 'False', reason, message };
}

export interface PublishedInput {
  readonly scaling: Scaling;
  readonly owner: Owner;
  /** The Deployment of the workers. */
  readonly held: KubeObject | undefined;
  readonly wanted: Pick<Autoscaled, 'replicas' | 'reason' | 'isGuess'>;
  readonly previous: ScalingStatus | undefined;
  /** RFC 3339. */
  readonly now: string;
}

export function publishedScaling(input: PublishedInput): ScalingStatus {
  const { scaling, owner, held, wanted, previous, now } = input;
  return published({
    driver: scaling.driver,
    workers: wanted.replicas,
    present: presentReplicas(owner, held),
    // Until it is there it is not known what the server keeps of it.
    hasTolerance: scaling.autoscalers.hpa === undefined || hasTolerance(scaling.autoscalers.hpa),
    why: wanted.reason,
    isGuess: wanted.isGuess,
    previous,
    now,
  });
}
