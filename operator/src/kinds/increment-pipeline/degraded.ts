/**
 * The condition Degraded: the pipeline works, and something is less than was asked for. Pure. Its
 * reason is the gravest of what there is; its message names all of it, each with what to do.
 */
import type { Claim } from '../../machinery/conditions.ts';
import { roleName } from '../../machinery/workload/names.ts';
import type { Facts } from './facts.ts';

export type DegradedReason =
  | 'IncrementsLost'
  | 'DurabilityNotMet'
  | 'DeadLetters'
  | 'PodsMissing'
  | 'NotReported'
  | 'AsAsked';

interface Flaw {
  readonly reason: DegradedReason;
  readonly message: string;
}

export function degraded(facts: Facts): Claim<DegradedReason> {
  const type = 'Degraded';
  const flaws = [lost(facts), durability(facts), deadLetters(facts), pods(facts)].filter(
    (flaw) => flaw !== undefined,
  );
  const [gravest] = flaws;
  if (gravest !== undefined) {
    const message = flaws.map((flaw) => flaw.message).join(' ');
    return { type, status: 'True', reason: gravest.reason, message };
  }
  if (facts.observed.progress === undefined) {
    return { type, status: 'Unknown', reason: 'NotReported', message: 'No pod has reported yet.' };
  }
  return { type, status: 'False', reason: 'AsAsked', message: `All is as asked.${caveat(facts)}` };
}

function lost({ observed: { progress } }: Facts): Flaw | undefined {
  if (progress === undefined || progress.totals.lost === 0) return undefined;
  return {
    reason: 'IncrementsLost',
    message:
      'Redis has lost increments that had been accepted (status.totals.lost, at least). They cannot be brought back: check why Redis lost data, and have clients repeat what they can.',
  };
}

function durability({ observed: { progress } }: Facts): Flaw | undefined {
  if (progress === undefined || progress.durability.ok) return undefined;
  const why =
    progress.durability.message ?? 'Redis is not configured for what spec.durability asks of it.';
  return { reason: 'DurabilityNotMet', message: `Increments are refused: ${why}` };
}

function deadLetters({ observed: { progress } }: Facts): Flaw | undefined {
  if (progress === undefined || progress.totals.deadLetters === 0) return undefined;
  return {
    reason: 'DeadLetters',
    message:
      'Increments that could not be added are kept as dead letters, each with its reason (millrace.increment_dead_letters). Remove the cause, then return them with millrace replay.',
  };
}

function pods({ observed: { owner }, gateways, workers }: Facts): Flaw | undefined {
  const short = [
    ...(gateways.ready < gateways.wanted ? ['gateway'] : []),
    ...(workers.ready < workers.wanted ? ['worker'] : []),
  ].map((role) => `Deployment/${roleName(owner.name, role)}`);
  if (short.length === 0) return undefined;
  return {
    reason: 'PodsMissing',
    message: `Fewer pods are ready than wanted: ${short.join(' and ')}. Their pods’ events say why if this lasts.`,
  };
}

/** What was asked for, and who asked may have forgotten. */
function caveat({ spec }: Facts): string {
  if (spec?.durability === 'Memory') {
    return ' With durability Memory a crash of Redis loses what is not committed.';
  }
  if (spec?.durabilityVouched === true) {
    return ' That Redis keeps what it has acknowledged is vouched for and not checked.';
  }
  return '';
}
