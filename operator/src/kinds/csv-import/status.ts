/**
 * Computes the status from what was observed. Pure; the only other inputs are what the pass did and
 * the time, which dates transitions.
 *
 * `Ready`, `Reconciling` and `Stalled` are kstatus's; the others say what this kind adds. Every
 * condition that is not as it should be names the object, the cause and what to do. Messages hold no
 * numbers that move, so that a status is written when something happened and not because time passed.
 */
import type { CsvImportSpec, CsvImportStatus } from '@millrace/crds/csv-import';
import { conditions, type Claim } from '../../machinery/conditions.ts';
import { jobFacts, replicasOf } from './job.ts';
import type { Observed } from './observed.ts';
import { crashesShown, outcomeOf, type Outcome } from './outcome.ts';
import { isOvercome, workersWanted } from './plan.ts';
import { missingBackends, missingClaim, type Missing } from './prerequisites.ts';

export interface StatusInput {
  readonly observed: Observed;
  /** The spec that is cared for; undefined when none was ever valid. */
  readonly spec: CsvImportSpec | undefined;
  /** Why the pass could not do what the plan says, or why the spec is not the one cared for. */
  readonly obstacle: Obstacle | undefined;
  readonly isPaused: boolean;
  /** Steps that changed something in this pass. */
  readonly changed: readonly string[];
  /** RFC 3339. */
  readonly now: string;
}

export interface Obstacle {
  readonly reason: 'InvalidSpec' | 'NameTaken' | 'Refused';
  readonly message: string;
}

interface Facts extends StatusInput {
  readonly outcome: Outcome;
  readonly backends: Missing | undefined;
  readonly claim: Missing | undefined;
}

export function status(input: StatusInput): CsvImportStatus {
  const { observed, spec, changed, now } = input;
  const outcome = presentOutcome(input);
  const facts: Facts = {
    ...input,
    outcome,
    backends: spec === undefined ? undefined : missingBackends(spec, observed),
    claim: spec === undefined ? undefined : missingClaim(spec, observed),
  };
  const progress =
    outcome.state === 'Complete' ? (outcome.report ?? observed.progress) : observed.progress;
  const plan =
    changed.length > 0
      ? changed.slice(0, 32).map((line) => line.slice(0, 256))
      : observed.status?.plan;
  return {
    observedGeneration: observed.generation,
    conditions: conditions(claims(facts), {
      previous: observed.status?.conditions,
      generation: observed.generation,
      now,
    }),
    ...(progress === undefined ? {} : { totals: progress.totals, progress }),
    ...(spec === undefined ? {} : { workers: workers(spec, facts) }),
    ...(progress === undefined ? {} : { percent: percent(progress.bytes, outcome) }),
    ...(plan === undefined ? {} : { plan }),
  };
}

/**
 * What an earlier generation came to is not said of this one: who waits for the change to take effect
 * would take it for the end.
 */
function presentOutcome({ observed, spec }: StatusInput): Outcome {
  const outcome = outcomeOf(observed);
  return spec !== undefined && isOvercome(outcome, { spec, observed })
    ? { state: 'Running', crashes: 0 }
    : outcome;
}

/** Whether anything but the figures of an ordinary progress differs: that is worth a write at once. */
export function hasTransition(
  before: CsvImportStatus | undefined,
  after: CsvImportStatus,
): boolean {
  return withoutFigures(before) !== withoutFigures(after);
}

function withoutFigures(held: CsvImportStatus | undefined): string {
  if (held === undefined) return '';
  const { observedGeneration, conditions: claimed, workers: counted, plan } = held;
  return JSON.stringify([observedGeneration, claimed, counted, plan, held.progress?.state]);
}

function workers(
  spec: CsvImportSpec,
  { observed, outcome }: Facts,
): { readonly wanted: number; readonly ready: number } {
  return {
    wanted: workersWanted({ spec, observed, outcome }).replicas,
    ready: replicasOf(observed.children.worker).ready,
  };
}

function percent(
  bytes: { readonly source: number; readonly done: number },
  outcome: Outcome,
): number {
  if (outcome.state === 'Complete') return 100;
  if (bytes.source === 0) return 0;
  return Math.min(99, Math.floor((bytes.done / bytes.source) * 100));
}

function claims(facts: Facts): readonly Claim[] {
  return [
    ready(facts),
    reconciling(facts),
    stalled(facts),
    complete(facts),
    failed(facts),
    suspended(facts),
    backendsReady(facts),
    sourceReady(facts),
  ];
}

type Cause = Pick<Claim, 'reason' | 'message'>;

function ready(facts: Facts): Claim {
  const obstacle = notReady(facts);
  return obstacle === undefined
    ? { type: 'Ready', status: 'True', reason: 'Complete', message: 'The import is complete.' }
    : { type: 'Ready', status: 'False', ...obstacle };
}

/** The first of these is the answer to "why not": what blocks most comes first. */
function notReady(facts: Facts): Cause | undefined {
  const { observed, outcome, spec } = facts;
  if (observed.isDeleting) return { reason: 'Deleting', message: 'The resource is being deleted.' };
  const hopeless = stalledBy(facts);
  if (hopeless !== undefined) return hopeless;
  if (outcome.state === 'Complete') return gatewayNotReady(facts);
  if (spec?.suspend === true) {
    return { reason: 'Suspended', message: 'Set spec.suspend to false to go on loading.' };
  }
  return blocked(facts) ?? loading(facts);
}

function gatewayNotReady({ spec, observed }: Facts): Cause | undefined {
  if (spec?.serve?.enabled !== true) return undefined;
  if (replicasOf(observed.children.gateway).ready >= (spec.serve.replicas ?? 1)) return undefined;
  return {
    reason: 'GatewayNotReady',
    message: 'The import is complete; not every gateway answers yet.',
  };
}

/** In the way, but going by itself once the world changes. */
function blocked({ backends, claim, outcome, observed }: Facts): Cause | undefined {
  const missing = backends ?? claim;
  if (missing !== undefined) return missing;
  if (outcome.state === 'Running' && outcome.crashes >= crashesShown)
    return crashing(outcome.crashes);
  const down = backendsDown(observed);
  if (down !== undefined) return down;
  const { progress } = observed;
  if (progress?.state !== 'Waiting') return undefined;
  return {
    reason: progress.reason ?? 'Waiting',
    message: progress.message ?? 'The coordinator waits and has not said for what.',
  };
}

function crashing(crashes: number): Cause {
  return {
    reason: 'CoordinatorCrashing',
    message: `The coordinator ended ${crashes} times without a result. It is tried again; its log says why it ends.`,
  };
}

function loading({ observed }: Facts): Cause {
  switch (observed.progress?.state) {
    // A report of an end, while a coordinator runs, is that of an earlier one.
    case undefined:
    case 'Complete':
    case 'Failed':
      return { reason: 'Starting', message: 'The coordinator has not reported yet.' };
    case 'Verifying':
      return { reason: 'Verifying', message: 'All chunks are loaded; totals are being recounted.' };
    default:
      return { reason: 'Loading', message: 'The import is running.' };
  }
}

/** What no waiting cures: somebody has to change something. */
function stalledBy({ obstacle, outcome }: Facts): Cause | undefined {
  if (obstacle !== undefined) return obstacle;
  if (outcome.state === 'Failed') return { reason: outcome.reason, message: outcome.message };
  if (outcome.state === 'BadConfiguration') {
    return { reason: 'BadConfiguration', message: outcome.message };
  }
  return undefined;
}

function stalled(facts: Facts): Claim {
  const cause = stalledBy(facts);
  if (cause !== undefined) return { type: 'Stalled', status: 'True', ...cause };
  return {
    type: 'Stalled',
    status: 'False',
    reason: 'NotStalled',
    message: 'Nothing needs a person.',
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
  if (stalledBy(facts) !== undefined) return no('Stalled', 'See the condition Stalled.');
  if (facts.spec?.suspend === true && facts.outcome.state === 'Running') {
    return no('Suspended', 'spec.suspend is set.');
  }
  const cause = notReady(facts);
  if (cause === undefined) return no('Settled', 'All is as asked.');
  return { type: 'Reconciling', status: 'True', ...cause };
}

function complete({ outcome }: Facts): Claim {
  return outcome.state === 'Complete'
    ? {
        type: 'Complete',
        status: 'True',
        reason: 'Complete',
        message: 'Every record is counted: read = loaded + superseded + rejected.',
      }
    : {
        type: 'Complete',
        status: 'False',
        reason: 'NotComplete',
        message: 'The import has not reached its end.',
      };
}

function failed({ outcome }: Facts): Claim {
  switch (outcome.state) {
    case 'Failed':
      return { type: 'Failed', status: 'True', reason: outcome.reason, message: outcome.message };
    case 'BadConfiguration':
      return {
        type: 'Failed',
        status: 'True',
        reason: 'BadConfiguration',
        message: outcome.message,
      };
    default:
      return {
        type: 'Failed',
        status: 'False',
        reason: 'NotFailed',
        message: 'The import has not failed.',
      };
  }
}

function suspended({ spec, observed, outcome }: Facts): Claim {
  const no = (reason: string, message: string): Claim => ({
    type: 'Suspended',
    status: 'False',
    reason,
    message,
  });
  if (spec?.suspend !== true) return no('NotSuspended', 'spec.suspend is not set.');
  if (outcome.state !== 'Running')
    return no('Ended', 'The import has ended; there is nothing to suspend.');
  const { job, worker } = observed.children;
  const isCoordinating = observed.coordinators.some(({ exitCode }) => exitCode === undefined);
  const isStopped = job === undefined || jobFacts(job).isSuspended;
  if (!isStopped || isCoordinating || replicasOf(worker).ready > 0) {
    return no('Draining', 'Pods finish what they hold and stop.');
  }
  return {
    type: 'Suspended',
    status: 'True',
    reason: 'Suspended',
    message: 'Nothing is loading; what is loaded stays served.',
  };
}

function backendsReady({ backends, observed }: Facts): Claim {
  const type = 'BackendsReady';
  if (backends !== undefined) return { type, status: 'False', ...backends };
  if (observed.progress === undefined) {
    return { type, status: 'Unknown', reason: 'NotReported', message: 'No pod has reported yet.' };
  }
  const down = backendsDown(observed);
  if (down !== undefined) return { type, status: 'False', ...down };
  return { type, status: 'True', reason: 'Connected', message: 'All backends answer.' };
}

function backendsDown({ progress }: Observed): Cause | undefined {
  const down = (progress?.backends ?? []).filter(({ ok }) => !ok);
  if (down.length === 0) return undefined;
  const [first] = down;
  const messages = down.map(({ name, reason, message, since }) => {
    const when = since === undefined ? '' : ` since ${since}`;
    const why = message === undefined ? '' : `: ${message}`;
    return `${name}: ${reason ?? 'Unavailable'}${when}${why}`;
  });
  const isSame = down.every(({ reason }) => reason === first?.reason);
  return {
    reason: (isSame ? first?.reason : undefined) ?? 'BackendsUnavailable',
    message: `${messages.join(' ')} Work goes on by itself when it is back.`,
  };
}

function sourceReady({ claim }: Facts): Claim {
  const type = 'SourceReady';
  if (claim !== undefined) return { type, status: 'False', ...claim };
  return { type, status: 'True', reason: 'ClaimFound', message: 'The volume claim exists.' };
}
