/**
 * Computes the status from what was observed. Pure; the only other inputs are what the pass did and
 * the time, which dates transitions.
 */
import type { IncrementPipelineStatus } from '@millrace/crds/increment-pipeline';
import { canonicalJson } from '../../machinery/canonical-json.ts';
import { conditions } from '../../machinery/conditions.ts';
import { waiting } from '../../machinery/waiting.ts';
import { claims } from './conditions.ts';
import type { Facts } from './facts.ts';
import { waits } from './waits.ts';

export interface StatusInput extends Facts {
  /** Steps that changed something in this pass. */
  readonly changed: readonly string[];
  /** RFC 3339. */
  readonly now: string;
}

/** All but `intent`, which belongs to another writer. */
export function status(input: StatusInput): IncrementPipelineStatus {
  const { changed, now } = input;
  const { status: held, generation } = input.observed;
  const waited = waiting(waits(input), { previous: held?.waiting, now });
  const plan = changed.length > 0 ? changed.map((line) => line.slice(0, 256)) : held?.plan;
  return {
    observedGeneration: generation,
    conditions: conditions(claims(input), { previous: held?.conditions, generation, now }),
    ...(waited.length === 0 ? {} : { waiting: waited }),
    ...(plan === undefined ? {} : { plan: plan.slice(0, 32) }),
  };
}

/** Whether anything but figures differs: that is worth a write at once. */
export function hasTransition(
  before: IncrementPipelineStatus | undefined,
  after: IncrementPipelineStatus,
): boolean {
  const told = ({ intent: _i, progress, ...rest }: IncrementPipelineStatus) =>
    canonicalJson([rest, progress?.state]);
  return before === undefined || told(before) !== told(after);
}
