/**
 * Plans a Deployment whose replicas somebody else may set: the operator, a HorizontalPodAutoscaler or
 * KEDA, one at a time.
 *
 * The number changes hands without a jump or a gap. Who scaled before goes first: its object is
 * deleted, and the number stays as it is until the deletion is seen; only then does the next one
 * begin. An autoscaler takes the field of the replicas by writing it; taking it back is an apply by
 * force. From 0 to the least and from anything to 0 is the operator's, whoever scales: an autoscaler
 * leaves a Deployment with 0 replicas alone. One that is to rest has none that could bring workers back.
 */
import type { ScalingDriver } from '@millrace/crds/scaling';
import { leastScaled, withoutTolerance } from './autoscalers.ts';
import type { WorkerBounds } from '../../../scaling/worker-bounds.ts';
import type { KubeObject, ResourceType } from '../../kube-api.ts';
import { controllerOf } from '../../object-key.ts';
import type { Plan, Step } from '../../step.ts';
import type { Owner } from '../names.ts';
import { autoscalers, scaledObjects } from '../resource-types.ts';
import { joined, presentReplicas, scaled, targetOf, type Scaled } from '../scaled.ts';

/** Autoscalers of the Deployment that are there, whoever controls them. */
export interface HeldAutoscalers {
  readonly hpa: KubeObject | undefined;
  readonly scaledObject: KubeObject | undefined;
}

export interface Autoscaled extends Scaled {
  readonly driver: ScalingDriver;
  readonly bounds: WorkerBounds;
  readonly autoscalers: HeldAutoscalers;
  /** What the driver needs; none for Direct. */
  readonly autoscaler: KubeObject | undefined;
  /** No worker is wanted until something other than its work changes that. */
  readonly isToRest: boolean;
}

export function autoscaled(wanted: Autoscaled): Plan {
  const { owner, held } = wanted;
  const isOurs = held !== undefined && controllerOf(held)?.uid === owner.uid;
  if (!isOurs && wanted.missing !== undefined) return scaled(wanted);
  const used = usedOf(wanted);
  const others = heldOnes(wanted).filter(({ type }) => type !== used?.type);
  const leaving = others.filter(({ object }) => object.metadata.deletionTimestamp === undefined);
  const isHandingOver = leaving.length > 0;
  const removals = leaving.map((other) => removal(owner, other));
  return joined([
    scaled({ ...wanted, ...numberOf(wanted, isHandingOver) }),
    { steps: removals, keep: [] },
    ...(used === undefined ? [] : [takingOver(wanted, used, isHandingOver)]),
  ]);
}

/** Not before the other is gone: two autoscalers of one Deployment would pull at it. */
function takingOver(
  { owner, name, driver }: Autoscaled,
  { type, object }: Held,
  isHandingOver: boolean,
): Plan {
  if (isHandingOver) return { steps: [], keep: [targetOf(type, owner, name)] };
  const otherwise = driver === 'HPA' ? { otherwise: withoutTolerance(object) } : {};
  const reason = `${driver} scales the workers`;
  return { steps: [{ op: 'apply', type, object, ...otherwise, reason }], keep: [] };
}

interface Held {
  readonly type: ResourceType;
  readonly object: KubeObject;
}

/** KEDA takes 0 for less than its least and brings workers back, so it is away for as long. */
function usedOf({ driver, autoscaler, replicas, isToRest }: Autoscaled): Held | undefined {
  if (autoscaler === undefined || isToRest) return undefined;
  if (driver === 'HPA') return { type: autoscalers, object: autoscaler };
  return driver === 'KEDA' && replicas > 0
    ? { type: scaledObjects, object: autoscaler }
    : undefined;
}

/** Those that are ours. */
function heldOnes({ owner, autoscalers: { hpa, scaledObject } }: Autoscaled): readonly Held[] {
  const all = [
    { type: autoscalers, object: hpa },
    { type: scaledObjects, object: scaledObject },
  ];
  return all.flatMap(({ type, object }) =>
    object !== undefined && controllerOf(object)?.uid === owner.uid ? [{ type, object }] : [],
  );
}

/** By uid alone: an autoscaler's status moves all the time. */
function removal(owner: Owner, { type, object }: Held): Step {
  const { name, uid = '' } = object.metadata;
  const target = targetOf(type, owner, name);
  const reason = 'it scales the workers no longer';
  return { op: 'delete', ...target, uid, resourceVersion: undefined, reason };
}

/** What the operator sets the replicas to, which is what there is wherever somebody else has them. */
function numberOf(
  wanted: Autoscaled,
  isHandingOver: boolean,
): Pick<Scaled, 'replicas' | 'isGuess' | 'reason'> {
  const { replicas, isGuess, reason, driver, bounds } = wanted;
  if (replicas === 0 || (driver === 'Direct' && !isHandingOver))
    return { replicas, isGuess, reason };
  const present = presentReplicas(wanted.owner, wanted.held);
  if (present > 0 || isHandingOver) {
    return { replicas: present, isGuess: true, reason: 'as many as there are' };
  }
  return {
    replicas: leastScaled(bounds),
    isGuess: false,
    reason: `${driver} cannot begin at 0; ${reason}`,
  };
}
