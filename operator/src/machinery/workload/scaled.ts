/**
 * Plans a Deployment together with its replicas, in three passes at most: made with 0 and scaled;
 * then marked as scaled and applied without replicas; from then on scaled only when the number
 * differs. A crash between any two of these writes leaves a state from which the next pass goes on.
 */
import { clip } from '../clip.ts';
import type { KubeObject, ResourceType } from '../kube-api.ts';
import { controllerOf } from '../object-key.ts';
import type { Plan, Step, Target } from '../step.ts';
import { replicasOf } from './deployment.ts';
import { replicasAnnotation, type Owner } from './names.ts';
import type { Missing } from './secrets.ts';
import { deployments } from './resource-types.ts';

export interface Scaled {
  readonly owner: Owner;
  readonly held: KubeObject | undefined;
  readonly name: string;
  readonly object: (isScaled: boolean) => KubeObject;
  readonly replicas: number;
  /** The number is what the cache shows, and nobody has asked for it. */
  readonly isGuess: boolean;
  readonly reason: string;
  /** What must exist before it is made. */
  readonly missing: Pick<Missing, 'what' | 'object'> | undefined;
}

export function scaled(wanted: Scaled): Plan {
  const { owner, held, name, replicas, reason, missing } = wanted;
  const target = targetOf(deployments, owner, name);
  const isOurs = held !== undefined && controllerOf(held)?.uid === owner.uid;
  if (!isOurs && missing !== undefined) return waitFor(missing, target);
  const apply = (isScaled: boolean, why: string): Step => ({
    op: 'apply',
    type: deployments,
    object: wanted.object(isScaled),
    reason: why,
  });
  const scale: Step = { op: 'scale', ...target, replicas, reason: clip(reason, 160) };
  if (!isOurs) return { steps: [apply(false, 'it is new'), scale], keep: [] };
  const isHandedOver = held.metadata.annotations?.[replicasAnnotation] === 'true';
  if (!isHandedOver) {
    const takeOver: Step = wanted.isGuess ? { ...scale, isAsFound: true } : scale;
    return { steps: [takeOver, apply(true, 'the scaler has its replicas')], keep: [] };
  }
  const isScaled = replicasOf(held).wanted === replicas;
  return { steps: [apply(true, 'as the spec asks'), ...(isScaled ? [] : [scale])], keep: [] };
}

/** How many there are; a predecessor of the same name may have left its Deployment for a moment. */
export function presentReplicas(owner: Owner, held: KubeObject | undefined): number {
  const isOurs = held !== undefined && controllerOf(held)?.uid === owner.uid;
  return isOurs ? (replicasOf(held).wanted ?? 0) : 0;
}

export function waitFor(
  { what, object }: { readonly what: string; readonly object: string },
  target: Target,
): Plan {
  return { steps: [{ op: 'wait', for: what, object }], keep: [target] };
}

export function targetOf(
  type: ResourceType,
  owner: Pick<Owner, 'namespace'>,
  name: string,
): Target {
  return { type, ref: { namespace: owner.namespace, name } };
}

/** One plan of several parts. A wait ends the pass, so it must not keep others from being cared for. */
export function joined(parts: readonly Plan[]): Plan {
  const steps = parts.flatMap((part) => part.steps);
  return {
    steps: [...steps.filter(({ op }) => op !== 'wait'), ...steps.filter(({ op }) => op === 'wait')],
    keep: parts.flatMap((part) => part.keep),
  };
}
