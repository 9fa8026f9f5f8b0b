/** What conditions and waits are computed from: the observation, and what follows from it once. */
import type { IncrementPipelineSpec } from '@millrace/crds/increment-pipeline';
import type { Plan, Wait } from '../../machinery/step.ts';
import type { Obstacle } from '../../machinery/workload/obstacle.ts';
import { replicasOf } from '../../machinery/workload/deployment.ts';
import { jobFacts } from '../../machinery/workload/job.ts';
import type { PodFacts } from '../../machinery/workload/pods.ts';
import type { Scaling } from '../../machinery/workload/scaling/resource-scaling.ts';
import type { SecretMissing } from '../../machinery/workload/secrets.ts';
import type { Care } from './care.ts';
import { flushOf, gatewaysOf } from './children/config-map.ts';
import type { Observed } from './observed.ts';
import { missingBackends } from './prerequisites.ts';
import type { Stopping } from './stopping.ts';

export interface Situation {
  readonly observed: Observed;
  /** What is cared for; undefined when no spec was ever valid. */
  readonly care: Care | undefined;
  readonly plan: Plan;
  /** Why the pass could not do what the plan says, or why the spec is not the one cared for. */
  readonly obstacle: Obstacle | undefined;
  readonly isPaused: boolean;
}

/** Pods of a role: how many there should be, how many are ready, and one that ails. */
export interface Crew {
  readonly wanted: number;
  readonly ready: number;
  readonly ailing: PodFacts | undefined;
}

export interface Facts extends Omit<Situation, 'care' | 'plan'> {
  readonly spec: IncrementPipelineSpec | undefined;
  readonly stopping: Stopping;
  readonly scaling: Scaling | undefined;
  readonly gateways: Crew;
  readonly workers: Crew;
  readonly backends: SecretMissing | undefined;
  readonly isStale: boolean | undefined;
  /** How the janitor ended, once it was needed. */
  readonly janitor: 'Running' | 'Complete' | 'Failed' | undefined;
  /** What the plan cannot go on without. */
  readonly waits: readonly Wait[];
}

export function factsOf({ care, plan, ...situation }: Situation): Facts {
  const { observed } = situation;
  const { children, pods } = observed;
  const spec = care?.spec;
  const stopping = care?.stopping ?? 'No';
  const gateways = spec === undefined || stopping !== 'No' ? 0 : gatewaysOf(spec);
  return {
    ...situation,
    spec,
    stopping,
    scaling: care?.scaling,
    gateways: {
      wanted: gateways,
      ready: replicasOf(children.gateway).ready,
      ailing: pods.gateways.find(isAiling),
    },
    workers: {
      wanted: care?.workers.replicas ?? 0,
      ready: replicasOf(children.worker).ready,
      ailing: pods.workers.find(isAiling),
    },
    backends: spec === undefined ? undefined : missingBackends(spec, observed),
    isStale: isStale(spec, observed),
    janitor: janitorOf(observed),
    waits: plan.steps.filter((step) => step.op === 'wait'),
  };
}

function isAiling({ hasEnded, isReady, isTerminating }: PodFacts): boolean {
  return !hasEnded && !isReady && !isTerminating;
}

function isStale(
  spec: IncrementPipelineSpec | undefined,
  { progress }: Observed,
): boolean | undefined {
  if (spec === undefined || progress === undefined) return undefined;
  return progress.stalenessMs >= flushOf(spec).staleAfterMs;
}

function janitorOf({ children: { janitor } }: Observed): Facts['janitor'] {
  return janitor === undefined ? undefined : (jobFacts(janitor).end ?? 'Running');
}
