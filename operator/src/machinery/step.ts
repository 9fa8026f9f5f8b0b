/**
 * A plan is data: what to do to the API, in order, each step with the reason a person would give.
 * Kinds write plans, tests assert them, `act.ts` executes them, status shows them.
 */
import type { KubeObject, ObjectRef, ResourceType } from './kube-api.ts';

export interface Target {
  readonly type: ResourceType;
  readonly ref: ObjectRef;
}

export type Step =
  | {
      readonly op: 'apply';
      readonly type: ResourceType;
      readonly object: KubeObject;
      /** The same without what not every server knows: one that does not refuses the whole. */
      readonly otherwise?: KubeObject;
      readonly reason: string;
    }
  | (Target & {
      readonly op: 'scale';
      readonly replicas: number;
      /** Only takes the replicas over: a cache may be behind, so the number is read live if it can be. */
      readonly isAsFound?: boolean;
      readonly reason: string;
    })
  /** Changes fields that cannot be applied because the rest of the object is immutable. */
  | (Target & {
      readonly op: 'patch';
      readonly uid: string;
      readonly patch: Readonly<Record<string, unknown>>;
      readonly reason: string;
    })
  | (Target & {
      readonly op: 'delete';
      readonly uid: string;
      readonly resourceVersion: string | undefined;
      readonly reason: string;
    })
  /** Of the resource itself: held back from its deletion, or let go, which cannot be undone. */
  | (Target & {
      readonly op: 'finalizer';
      readonly uid: string;
      readonly resourceVersion: string | undefined;
      /** All finalizers that are there now. */
      readonly present: readonly string[];
      readonly finalizer: string;
      readonly isHeld: boolean;
      readonly reason: string;
    })
  /** Ends the pass here: what follows may only happen once this has come true. */
  | Wait;

export interface Wait {
  readonly op: 'wait';
  readonly for: string;
  /** The object it hangs on, as Kind/name. */
  readonly object?: string;
  readonly requeueAfterMs?: number;
}

export interface Plan {
  readonly steps: readonly Step[];
  /** Children that no step touches and that must not be pruned. */
  readonly keep: readonly Target[];
}

export const emptyPlan: Plan = { steps: [], keep: [] };

/** One line of `status.plan`. */
export function describe(step: Step): string {
  switch (step.op) {
    case 'apply':
      return `apply ${step.object.kind}/${step.object.metadata.name}: ${step.reason}`;
    case 'scale':
      return `scale ${step.type.kind}/${step.ref.name} to ${step.replicas}: ${step.reason}`;
    case 'patch':
      return `patch ${step.type.kind}/${step.ref.name}: ${step.reason}`;
    case 'delete':
      return `delete ${step.type.kind}/${step.ref.name}: ${step.reason}`;
    case 'finalizer': {
      const what = `${step.type.kind}/${step.ref.name}`;
      const done = step.isHeld ? `hold ${what} by` : `let ${what} go from`;
      return `${done} ${step.finalizer}: ${step.reason}`;
    }
    case 'wait':
      return `wait for ${step.for}`;
  }
}
