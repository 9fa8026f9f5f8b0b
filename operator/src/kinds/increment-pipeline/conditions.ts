/**
 * What is claimed of a IncrementPipeline, as conditions without their bookkeeping. Pure. Every condition that
 * is not as it should be names the object, the cause and what to do, and no number that moves.
 */
import type { Claim } from '../../machinery/conditions.ts';
import type { Facts } from './facts.ts';

export function claims(facts: Facts): readonly Claim[] {
  return [ready(facts), reconciling(facts), stalled(facts)];
}

type Cause = Pick<Claim, 'reason' | 'message'>;

function ready(facts: Facts): Claim {
  return { type: 'Ready', status: 'False', ...notReady(facts) };
}

/** The first of these is the answer to "why not": what blocks most comes first. */
function notReady({ observed, obstacle }: Facts): Cause {
  if (observed.isDeleting) return { reason: 'Deleting', message: 'The resource is being deleted.' };
  if (obstacle !== undefined) return { reason: obstacle.reason, message: obstacle.message };
  return {
    reason: 'NotPlanned',
    message: 'This operator cannot do anything for IncrementPipeline yet.',
  };
}

function reconciling(facts: Facts): Claim {
  const no = (reason: string, message: string): Claim => ({
    type: 'Reconciling',
    status: 'False',
    reason,
    message,
  });
  if (facts.isPaused) {
    return no('Paused', 'spec.paused is set: nothing is changed but this status.');
  }
  if (facts.obstacle !== undefined) return no('Stalled', 'See the condition Stalled.');
  return { type: 'Reconciling', status: 'True', ...notReady(facts) };
}

function stalled({ obstacle }: Facts): Claim {
  if (obstacle === undefined) {
    const message = 'Nothing needs a person.';
    return { type: 'Stalled', status: 'False', reason: 'NotStalled', message };
  }
  return { type: 'Stalled', status: 'True', reason: obstacle.reason, message: obstacle.message };
}
