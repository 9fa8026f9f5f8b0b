/** What conditions and waits are computed from: the observation, and what follows from it once. */
import type { IncrementPipelineSpec } from '@millrace/crds/increment-pipeline';
import type { Plan } from '../../machinery/step.ts';
import type { Observed } from './observed.ts';

export interface Facts {
  readonly observed: Observed;
  /** The spec that is cared for; undefined when none was ever valid. */
  readonly spec: IncrementPipelineSpec | undefined;
  readonly plan: Plan;
  /** Why the pass could not do what the plan says. */
  readonly obstacle: Obstacle | undefined;
  readonly isPaused: boolean;
}

export interface Obstacle {
  readonly reason: 'InvalidSpec' | 'NameTaken' | 'Refused';
  readonly message: string;
  /** The object that is in the way, as Kind/name. */
  readonly object?: string;
}
