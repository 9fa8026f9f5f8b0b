/**
 * The one way to write conditions: sorted by type, so that equal claims are equal text, and with a
 * transition time that moves only when the status does, so that "since when" stays true.
 */
import type { Condition } from '@millrace/crds/conditions';
import { clip } from './clip.ts';

/** A claim without the parts that are bookkeeping. `Reason` is the closed set of the kind. */
export interface Claim<Reason extends string = string> {
  readonly type: string;
  readonly status: Condition['status'];
  readonly reason: Reason;
  readonly message: string;
}

export interface ConditionContext {
  readonly previous: readonly Condition[] | undefined;
  readonly generation: number;
  /** RFC 3339. */
  readonly now: string;
}

const messageCharactersMax = 4_096;

export function conditions(claims: readonly Claim[], context: ConditionContext): Condition[] {
  const previous = new Map((context.previous ?? []).map((held) => [held.type, held]));
  return claims
    .map((claim): Condition => {
      const held = previous.get(claim.type);
      return {
        type: claim.type,
        status: claim.status,
        reason: claim.reason,
        message: clip(claim.message, messageCharactersMax),
        lastTransitionTime: held?.status === claim.status ? held.lastTransitionTime : context.now,
        observedGeneration: context.generation,
      };
    })
    .toSorted((a, b) => (a.type < b.type ? -1 : 1));
}

export function conditionOf(
  held: readonly Condition[] | undefined,
  type: string,
): Condition | undefined {
  return held?.find((condition) => condition.type === type);
}
