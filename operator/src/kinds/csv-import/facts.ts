/** What conditions and waits are computed from: the observation, and what follows from it once. */
import type { CsvImportSpec } from '@millrace/crds/csv-import';
import type { Plan, Wait } from '../../machinery/step.ts';
import type { Obstacle } from '../../machinery/workload/obstacle.ts';
import type { Scaling } from '../../machinery/workload/scaling/resource-scaling.ts';
import type { SecretMissing } from '../../machinery/workload/secrets.ts';
import { jobFacts } from '../../machinery/workload/job.ts';
import type { Care } from './care.ts';
import type { Observed } from './observed.ts';
import { isOvercome, outcomeOf, type Outcome } from './outcome.ts';
import type { Purging } from './purging.ts';
import type { ClaimTrouble } from './claim.ts';
import { missingBackends, missingClaim } from './prerequisites.ts';

export interface Situation {
  readonly observed: Observed;
  /** What is cared for; undefined when no spec was ever valid. */
  readonly care: Care | undefined;
  readonly plan: Plan;
  /** Why the pass could not do what the plan says, or why the spec is not the one cared for. */
  readonly obstacle: Obstacle | undefined;
  readonly isPaused: boolean;
}

export interface Facts extends Omit<Situation, 'care' | 'plan'> {
  readonly spec: CsvImportSpec | undefined;
  readonly outcome: Outcome;
  readonly scaling: Scaling | undefined;
  readonly purging: Purging;
  /** How the janitor ended, once it was needed. */
  readonly janitor: 'Running' | 'Complete' | 'Failed' | undefined;
  readonly backends: SecretMissing | undefined;
  readonly claim: ClaimTrouble | undefined;
  /** What the plan cannot go on without. */
  readonly waits: readonly Wait[];
}

export function factsOf(situation: Situation): Facts {
  const { observed, care, plan, obstacle, isPaused } = situation;
  const spec = care?.spec;
  return {
    observed,
    spec,
    obstacle,
    isPaused,
    outcome: presentOutcome(situation),
    scaling: care?.scaling,
    purging: care?.purging ?? 'No',
    janitor: janitorOf(observed),
    backends: spec === undefined ? undefined : missingBackends(spec, observed),
    claim: spec === undefined ? undefined : missingClaim(spec, observed),
    waits: plan.steps.filter((step) => step.op === 'wait'),
  };
}

/**
 * What an earlier generation came to is not said of this one: who waits for the change to take effect
 * would take it for the end.
 */
function presentOutcome({ observed, care }: Situation): Outcome {
  const outcome = outcomeOf(observed);
  return care !== undefined && isOvercome(outcome, { rendering: care.rendering, observed })
    ? { state: 'Running', crashes: 0 }
    : outcome;
}

function janitorOf({ children: { janitor } }: Observed): Facts['janitor'] {
  return janitor === undefined ? undefined : (jobFacts(janitor).end ?? 'Running');
}
