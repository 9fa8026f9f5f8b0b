/**
 * kstatus's `Reconciling` and `Stalled`, from what a kind knows of itself: the same words for every
 * kind, so that generic tools and people need to learn them once. Pure.
 */
import type { Claim } from '../conditions.ts';

export type Cause = Pick<Claim, 'reason' | 'message'>;

/** `cause` is what no waiting cures. */
export function stalledClaim(cause: Cause | undefined): Claim {
  if (cause !== undefined) return { type: 'Stalled', status: 'True', ...cause };
  return {
    type: 'Stalled',
    status: 'False',
    reason: 'NotStalled',
    message: 'Nothing needs a person.',
  };
}

export interface Settling {
  readonly isPaused: boolean;
  readonly isStalled: boolean;
  /** It rests because spec.suspend is set. */
  readonly isSuspended: boolean;
  /** Why it is not yet as asked. */
  readonly cause: Cause | undefined;
}

export function reconcilingClaim({ isPaused, isStalled, isSuspended, cause }: Settling): Claim {
  const no = (reason: string, message: string): Claim => ({
    type: 'Reconciling',
    status: 'False',
    reason,
    message,
  });
  if (isPaused) return no('Paused', 'spec.paused is set: nothing is changed but this status.');
  if (isStalled) return no('Stalled', 'See the condition Stalled.');
  if (isSuspended) return no('Suspended', 'spec.suspend is set.');
  if (cause === undefined) return no('Settled', 'All is as asked.');
  return { type: 'Reconciling', status: 'True', ...cause };
}
