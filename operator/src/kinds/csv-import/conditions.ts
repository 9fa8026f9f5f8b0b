/**
 * What is claimed of an import, as conditions without their bookkeeping. Pure.
 *
 * `Ready`, `Reconciling` and `Stalled` are kstatus's; the others say what this kind adds. Every
 * condition that is not as it should be names the object, the cause and what to do. Messages hold no
 * numbers that move, so that a status is written when something happened and not because time passed.
 */
import { conditionOf, type Claim } from '../../machinery/conditions.ts';
import { backendsDown, backendsReady } from '../../machinery/workload/backends.ts';
import { replicasOf } from '../../machinery/workload/deployment.ts';
import { jobFacts } from '../../machinery/workload/job.ts';
import { roleName } from '../../machinery/workload/names.ts';
import { podTrouble } from '../../machinery/workload/pods.ts';
import { autoscalingReady } from '../../machinery/workload/scaling/resource-scaling.ts';
import { reconcilingClaim, stalledClaim, type Cause } from '../../machinery/workload/settling.ts';
import { claimState } from './claim.ts';
import { deleting, janitorFailed } from './deleting.ts';
import { coordinatorOf, unreadyGateways } from './coordinator-state.ts';
import type { Facts } from './facts.ts';
import type { Observed } from './observed.ts';
import { crashesShown } from './outcome.ts';

export function claims(facts: Facts): readonly Claim[] {
  return [
    ready(facts),
    reconciling(facts),
    stalled(facts),
    complete(facts),
    failed(facts),
    suspended(facts),
    backends(facts),
    sourceReady(facts),
    autoscalingReady(facts.scaling),
  ];
}

function ready(facts: Facts): Claim {
  const obstacle = notReady(facts);
  return obstacle === undefined
    ? { type: 'Ready', status: 'True', reason: 'Complete', message: 'The import is complete.' }
    : { type: 'Ready', status: 'False', ...obstacle };
}

/** The first of these is the answer to "why not": what blocks most comes first. */
function notReady(facts: Facts): Cause | undefined {
  const { observed, outcome, spec } = facts;
  if (observed.isDeleting && !observed.isHeld) {
    return { reason: 'Deleting', message: 'The resource is being deleted.' };
  }
  const hopeless = stalledBy(facts);
  if (hopeless !== undefined) return hopeless;
  if (observed.isDeleting) return { reason: 'Deleting', message: deleting(facts) };
  if (outcome.state === 'Complete') return gatewayNotReady(facts);
  if (spec?.suspend === true) {
    return { reason: 'Suspended', message: 'Set spec.suspend to false to go on loading.' };
  }
  return blocked(facts) ?? loading(facts);
}

function gatewayNotReady(facts: Facts): Cause | undefined {
  const deployment = unreadyGateways(facts);
  if (deployment === undefined) return undefined;
  return {
    reason: 'GatewayNotReady',
    message: `The import is complete; ${deployment} has fewer ready pods than spec.serve.replicas asks for. Its pods say why.`,
  };
}

/** In the way, but going by itself once the world changes. */
function blocked(facts: Facts): Cause | undefined {
  const { outcome, observed } = facts;
  const missing = missingOf(facts);
  if (missing !== undefined) return missing;
  if (outcome.state === 'Running' && outcome.crashes >= crashesShown)
    return crashing(outcome.crashes, observed);
  const stuck = coordinatorStuck(observed);
  if (stuck !== undefined) return stuck;
  const { progress } = observed;
  const down = backendsDown(progress?.backends);
  if (down !== undefined) return down;
  if (progress?.state !== 'Waiting') return sourceTrouble(facts);
  return {
    reason: progress.reason ?? 'Waiting',
    message: progress.message ?? 'The coordinator waits and has not said for what.',
  };
}

function missingOf(facts: Facts): Cause | undefined {
  return facts.backends ?? facts.claim ?? sealingTrouble(facts);
}

function crashing(crashes: number, { owner }: Observed): Cause {
  const job = `Job/${roleName(owner.name, 'coordinator')}`;
  return {
    reason: 'CoordinatorCrashing',
    message: `The coordinator ended ${crashes} times without a result. It is tried again; the logs of the pods of ${job} say why it ends.`,
  };
}

/** Its pod is there and something keeps it from running that hardly goes by itself. */
function coordinatorStuck(observed: Observed): Cause | undefined {
  const pod = coordinatorOf(observed);
  const trouble = pod === undefined ? undefined : podTrouble(pod);
  if (pod === undefined || trouble === undefined) return undefined;
  return {
    reason: 'CoordinatorPending',
    message: `Pod/${pod.name} of the coordinator does not start (${pod.pendingReason}). ${trouble} Its events say more.`,
  };
}

function loading({ observed }: Facts): Cause {
  switch (observed.progress?.state) {
    // A report of an end, while a coordinator runs, is that of an earlier one.
    case undefined:
    case 'Complete':
    case 'Failed':
      return { reason: 'Starting', message: starting(observed) };
    case 'Verifying':
      return { reason: 'Verifying', message: 'All chunks are loaded; totals are being recounted.' };
    default:
      return { reason: 'Loading', message: 'The import is running.' };
  }
}

function starting(observed: Observed): string {
  const pod = coordinatorOf(observed);
  if (pod !== undefined) return `The coordinator, Pod/${pod.name}, has not reported yet.`;
  const job = `Job/${roleName(observed.owner.name, 'coordinator')}`;
  return observed.children.job === undefined
    ? `${job} is about to be made.`
    : `${job} has no running pod yet; its events say why if this lasts.`;
}

/** What no waiting cures: somebody has to change something. */
function stalledBy(facts: Facts): Cause | undefined {
  const { obstacle, outcome, observed } = facts;
  if (obstacle !== undefined) return obstacle;
  if (observed.isDeleting) return janitorFailed(facts);
  if (outcome.state === 'Failed') return { reason: outcome.reason, message: outcome.message };
  if (outcome.state === 'BadConfiguration') {
    return { reason: 'BadConfiguration', message: outcome.message };
  }
  return undefined;
}

function stalled(facts: Facts): Claim {
  return stalledClaim(stalledBy(facts));
}

function reconciling(facts: Facts): Claim {
  return reconcilingClaim({
    isPaused: facts.isPaused,
    isStalled: stalledBy(facts) !== undefined,
    isSuspended: facts.spec?.suspend === true && facts.outcome.state === 'Running',
    cause: notReady(facts),
  });
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

function suspended(facts: Facts): Claim {
  const { spec, observed, outcome } = facts;
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
    return no('Draining', `The pods of ${draining(facts)} finish what they hold and stop.`);
  }
  return {
    type: 'Suspended',
    status: 'True',
    reason: 'Suspended',
    message: 'Nothing is loading; what is loaded stays served.',
  };
}

function draining({ observed: { owner, coordinators } }: Facts): string {
  const isCoordinating = coordinators.some(({ exitCode }) => exitCode === undefined);
  return isCoordinating
    ? `Job/${roleName(owner.name, 'coordinator')}`
    : `Deployment/${roleName(owner.name, 'worker')}`;
}

function sourceReady(facts: Facts): Claim {
  const type = 'SourceReady';
  const trouble = facts.claim ?? sourceTrouble(facts);
  if (trouble !== undefined) return { type, status: 'False', ...trouble };
  const volume = facts.spec?.source.volume;
  if (volume !== undefined) {
    return { type, ...claimState(volume.claimName, facts.observed.claim(volume.claimName)) };
  }
  // Only pods may speak with the store; they have nothing to complain of.
  const message = 'Nothing is known against the source.';
  return { type, status: 'True', reason: 'SourceNamed', message };
}

function backends(facts: Facts): Claim {
  const { observed, outcome, spec } = facts;
  const missing = facts.backends ?? sealingTrouble(facts);
  if (outcome.state !== 'Complete' || missing !== undefined || spec?.serve?.enabled !== true) {
    return backendsReady(missing, observed.progress?.backends);
  }
  const { served } = observed;
  const before = served === undefined ? saidOfBackends(observed) : undefined;
  return before ?? backendsReady(undefined, (served ?? observed.progress)?.backends);
}

/** What a gateway said stands until one is heard again; of the Secret itself the operator knows more. */
function saidOfBackends({ status }: Observed): Claim | undefined {
  const wasComplete = conditionOf(status?.conditions, 'Complete')?.status === 'True';
  const said = conditionOf(status?.conditions, 'BackendsReady');
  if (!wasComplete || said === undefined || said.reason.startsWith('Secret')) return undefined;
  const { type, status: holds, reason, message } = said;
  return { type, status: holds, reason, message };
}

/** What is said of the keys of sealed columns, which come with the addresses of the backends. */
function sealingTrouble({ observed, outcome }: Facts): Cause | undefined {
  if (outcome.state !== 'Running' && outcome.state !== 'Complete') return undefined;
  const said = outcome.state === 'Running' ? observed.progress : observed.served;
  const { reason, message = 'The keys in SEALING_KEYS cannot be used.' } = said ?? {};
  return reason?.startsWith('Sealing') === true ? { reason, message } : undefined;
}

/** What the coordinator says of the source that it waits for; all such codes begin alike. */
function sourceTrouble({ observed, outcome }: Facts): Cause | undefined {
  const { reason, message = 'The coordinator cannot read the source.' } = observed.progress ?? {};
  if (outcome.state !== 'Running' || reason?.startsWith('Source') !== true) return undefined;
  return { reason, message };
}
