/**
 * What is claimed of an IncrementPipeline, as conditions without their bookkeeping. Pure.
 *
 * `Ready`, `Reconciling` and `Stalled` are kstatus's; the others say what this kind adds. Every
 * condition that is not as it should be names the object, the cause and what to do. Messages hold no
 * numbers that move, so that a status is written when something happened and not because time passed.
 */
import type { Claim } from '../../machinery/conditions.ts';
import { backendsDown, backendsReady } from '../../machinery/workload/backends.ts';
import { exit } from '../../machinery/workload/job.ts';
import { roleName } from '../../machinery/workload/names.ts';
import { podTrouble } from '../../machinery/workload/pods.ts';
import { autoscalingReady } from '../../machinery/workload/scaling/resource-scaling.ts';
import { reconcilingClaim, stalledClaim, type Cause } from '../../machinery/workload/settling.ts';
import { degraded } from './degraded.ts';
import { draining } from './draining.ts';
import type { Crew, Facts } from './facts.ts';
import type { Role } from './names.ts';

export function claims(facts: Facts): readonly Claim[] {
  const { observed, backends } = facts;
  return [
    ready(facts),
    reconciling(facts),
    stalled(facts),
    backendsReady(backends, observed.progress?.backends),
    stale(facts),
    degraded(facts),
    draining(facts),
    autoscalingReady(facts.scaling),
  ];
}

function ready(facts: Facts): Claim {
  const obstacle = notReady(facts);
  return obstacle === undefined
    ? {
        type: 'Ready',
        status: 'True',
        reason: 'Accepting',
        message: 'Increments are accepted and committed.',
      }
    : { type: 'Ready', status: 'False', ...obstacle };
}

/** The first of these is the answer to "why not": what blocks most comes first. */
function notReady(facts: Facts): Cause | undefined {
  const { observed, stopping } = facts;
  const hopeless = stalledBy(facts);
  if (hopeless !== undefined) return hopeless;
  if (observed.isDeleting) return { reason: 'Deleting', message: draining(facts).message };
  if (stopping === 'Drained' || stopping === 'NeverStarted') {
    return { reason: 'Suspended', message: 'Set spec.suspend to false to take increments again.' };
  }
  if (stopping !== 'No') return { reason: 'Draining', message: draining(facts).message };
  if (facts.backends !== undefined) return facts.backends;
  return unready(facts, 'gateway') ?? unready(facts, 'worker');
}

/** A pipeline does its work with one pod of each role; that there are fewer than wanted is Degraded. */
function unready(facts: Facts, role: 'gateway' | 'worker'): Cause | undefined {
  const crew = role === 'gateway' ? facts.gateways : facts.workers;
  if (crew.ready > 0) return undefined;
  return reported(facts) ?? stuck(crew, role) ?? crashing(crew, role) ?? starting(facts, role);
}

/** What the pods say that keeps them from being ready. */
function reported({ observed: { progress } }: Facts): Cause | undefined {
  if (progress === undefined) return undefined;
  const down = backendsDown(progress.backends);
  if (down !== undefined) return down;
  const { durability } = progress;
  if (!durability.ok) {
    return {
      reason: 'DurabilityNotMet',
      message: durability.message ?? 'Redis is not configured for what spec.durability asks of it.',
    };
  }
  if (progress.state !== 'Waiting') return undefined;
  return {
    reason: progress.reason ?? 'Waiting',
    message: progress.message ?? 'The pods wait and have not said for what.',
  };
}

function stuck({ ailing }: Crew, role: Role): Cause | undefined {
  const trouble = ailing === undefined ? undefined : podTrouble(ailing);
  if (ailing === undefined || trouble === undefined) return undefined;
  return {
    reason: 'PodPending',
    message: `Pod/${ailing.name} of the ${role}s does not start (${ailing.pendingReason}). ${trouble} Its events say more.`,
  };
}

/** Its container ended and is started again: the runtime itself says by its exit code whether that helps. */
function crashing({ ailing }: Crew, role: Role): Cause | undefined {
  if (ailing?.lastExit === undefined) return undefined;
  const { exitCode, words } = ailing.lastExit;
  const { message } = (words ?? {}) as { readonly message?: unknown };
  const why = typeof message === 'string' ? message : 'Its log says why.';
  return {
    reason: hopeless[exitCode] ?? 'PodsCrashing',
    message: `Pod/${ailing.name} of the ${role}s ended with exit code ${exitCode} and is started again. ${why}`,
  };
}

/** Its configuration, or what it finds in the backends, will never work. */
const hopeless: Readonly<Record<number, string>> = {
  [exit.badConfiguration]: 'BadConfiguration',
  [exit.badInput]: 'BadInput',
};

function refused({ gateways, workers }: Facts): Cause | undefined {
  const isHopeless = ({ ready, ailing }: Crew) =>
    ready === 0 && ailing?.lastExit !== undefined && ailing.lastExit.exitCode in hopeless;
  if (isHopeless(gateways)) return crashing(gateways, 'gateway');
  return isHopeless(workers) ? crashing(workers, 'worker') : undefined;
}

function starting({ observed }: Facts, role: 'gateway' | 'worker'): Cause {
  const deployment = `Deployment/${roleName(observed.owner.name, role)}`;
  const isMade = observed.children[role] !== undefined;
  return {
    reason: role === 'gateway' ? 'GatewayNotReady' : 'WorkerNotReady',
    message: isMade
      ? `No pod of ${deployment} is ready; their events and logs say why if this lasts.`
      : `${deployment} is about to be made.`,
  };
}

/** What no waiting cures: somebody has to change something. */
function stalledBy(facts: Facts): Cause | undefined {
  const { obstacle, janitor, observed } = facts;
  if (obstacle !== undefined) return { reason: obstacle.reason, message: obstacle.message };
  if (!observed.isDeleting || janitor !== 'Failed') return refused(facts);
  const job = `Job/${roleName(observed.owner.name, 'janitor')}`;
  return {
    reason: 'JanitorFailed',
    message: `${job} has given up clearing up behind the pipeline: its pod’s log says why. Delete the Job to have it tried again; take the finalizer away to leave what it would have cleared.`,
  };
}

function stalled(facts: Facts): Claim {
  return stalledClaim(stalledBy(facts));
}

function reconciling(facts: Facts): Claim {
  const { observed, stopping } = facts;
  const isAtRest = stopping === 'Drained' || stopping === 'NeverStarted';
  return reconcilingClaim({
    isPaused: facts.isPaused,
    isStalled: stalledBy(facts) !== undefined,
    isSuspended: isAtRest && !observed.isDeleting,
    cause: notReady(facts) ?? incomplete(facts),
  });
}

/** It works, and pods come or go still. */
function incomplete({ observed, gateways, workers }: Facts): Cause | undefined {
  const role = gateways.ready === gateways.wanted ? 'worker' : 'gateway';
  if (role === 'worker' && workers.ready === workers.wanted) return undefined;
  const deployment = `Deployment/${roleName(observed.owner.name, role)}`;
  return {
    reason: 'Scaling',
    message: `${deployment} has not as many ready pods as are wanted; its pods say why if this lasts.`,
  };
}

function stale({ observed, isStale }: Facts): Claim {
  const type = 'Stale';
  if (isStale === undefined) {
    return { type, status: 'Unknown', reason: 'NotReported', message: 'No pod has reported yet.' };
  }
  if (!isStale) {
    const message = 'Sums are younger than spec.flush.staleAfter.';
    return { type, status: 'False', reason: 'Fresh', message };
  }
  const down = backendsDown(observed.progress?.backends);
  const why =
    down?.message ??
    'status.recommendation says whether more workers would help; the logs of the workers say why a commit fails.';
  return {
    type,
    status: 'True',
    reason: 'NotCommitted',
    message: `An increment has been waiting for its commit for longer than spec.flush.staleAfter. ${why}`,
  };
}
