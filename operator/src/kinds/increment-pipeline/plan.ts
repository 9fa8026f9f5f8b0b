/**
 * Decides what to do next. Pure: the same observations give the same steps.
 *
 * The order is that of need, every step is safe to repeat, and a pass that was cut off is completed
 * by the next. What pods are made from must be kept through an upgrade of the operator; CsvImport's
 * `rendering.ts` shows how.
 */
import type { IncrementPipelineSpec } from '@millrace/crds/increment-pipeline';
import { emptyPlan, type Plan } from '../../machinery/step.ts';
import type { Observed } from './observed.ts';

export interface PlanInput {
  /** The spec to care for; undefined when it was never valid. */
  readonly spec: IncrementPipelineSpec | undefined;
  readonly observed: Observed;
  /** Image of pods that are rendered anew. */
  readonly image: string;
}

export function plan({ spec, observed }: PlanInput): Plan {
  if (spec === undefined || observed.isDeleting) return emptyPlan;
  return emptyPlan;
}
