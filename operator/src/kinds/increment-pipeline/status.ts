/**
 * Computes the status from what was observed. Pure; the only other inputs are what the pass did and
 * the time, which dates transitions. Its parts are conditions (conditions.ts), waits (waits.ts), the
 * recommendation (scaling.ts) and the figures of the last report.
 */
import type { IncrementPipelineStatus } from '@millrace/crds/increment-pipeline';
import { canonicalJson } from '../../machinery/canonical-json.ts';
import { conditions } from '../../machinery/conditions.ts';
import { waiting } from '../../machinery/waiting.ts';
import { publishedScaling } from '../../machinery/workload/scaling/resource-scaling.ts';
import { planLines } from '../../machinery/workload/status-plan.ts';
import { claims } from './conditions.ts';
import { factsOf, type Situation } from './facts.ts';
import { waits } from './waits.ts';

export interface StatusInput extends Situation {
  /** Steps that changed something in this pass. */
  readonly changed: readonly string[];
  /** RFC 3339. */
  readonly now: string;
}

/** All but `intent`, which belongs to another writer. */
export function status(input: StatusInput): IncrementPipelineStatus {
  const { observed, care, changed, now } = input;
  const { status: held, generation, progress } = observed;
  const facts = factsOf(input);
  const waited = waiting(waits(facts), { previous: held?.waiting, now });
  const plan = planLines(changed, held?.plan);
  const recommendation = care?.workers.recommendation;
  return {
    observedGeneration: generation,
    conditions: conditions(claims(facts), { previous: held?.conditions, generation, now }),
    ...(progress === undefined ? {} : { totals: progress.totals, progress }),
    ...(care === undefined
      ? {}
      : {
          workers: { wanted: facts.workers.wanted, ready: facts.workers.ready },
          gateways: { ready: facts.gateways.ready },
          scaling: publishedScaling({
            scaling: care.scaling,
            owner: observed.owner,
            held: observed.children.worker,
            wanted: care.workers,
            previous: held?.scaling,
            now,
          }),
          runtimeImage: care.rendering.image,
        }),
    ...(recommendation === undefined ? {} : { recommendation }),
    ...(waited.length === 0 ? {} : { waiting: waited }),
    ...(plan === undefined ? {} : { plan }),
  };
}

/** Whether anything but figures differs: that is worth a write at once. */
export function hasTransition(
  before: IncrementPipelineStatus | undefined,
  after: IncrementPipelineStatus,
): boolean {
  return withoutFigures(before) !== withoutFigures(after);
}

function withoutFigures(held: IncrementPipelineStatus | undefined): string {
  if (held === undefined) return '';
  const { totals: _t, recommendation: _r, intent: _i, progress, scaling, ...told } = held;
  return canonicalJson([told, progress?.state, scaling?.driver, scaling?.needed]);
}
