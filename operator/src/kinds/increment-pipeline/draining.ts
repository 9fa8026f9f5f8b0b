/**
 * The condition Draining: where a pipeline is on its way to a stop, and at its end the proof. Pure.
 * Its reasons are part of the machinery: `stopping.ts` reads them back as the record of the proof.
 */
import type { Claim } from '../../machinery/conditions.ts';
import { backendsDown } from '../../machinery/workload/backends.ts';
import { roleName } from '../../machinery/workload/names.ts';
import type { Facts } from './facts.ts';
import { drainFinalizer } from './names.ts';

/** The reasons under which the condition stands as the record that nothing was in flight. */
export type Recorded = 'WorkersStopping' | 'Drained' | 'CleaningUp';

export type DrainingReason =
  | Recorded
  | 'NotDraining'
  | 'NeverStarted'
  | 'GatewaysStopping'
  | 'Emptying'
  | 'SpecNotValid'
  | 'Purging';

const proof =
  'After the last gateway had gone, a report showed that none was alive and that no entry was left in the streams: every increment that was accepted is in the table, or counted among duplicates, dead letters and what was lost.';

export function draining(facts: Facts): Claim<DrainingReason> & { readonly type: 'Draining' } {
  const claim = (status: 'True' | 'False', reason: DrainingReason, message: string) =>
    ({ type: 'Draining', status, reason, message }) as const;
  const { observed, stopping } = facts;
  switch (stopping) {
    case 'No':
      if (observed.isDeleting) return claim('True', 'SpecNotValid', specNotValid());
      return claim('False', 'NotDraining', 'The pipeline is neither suspended nor deleted.');
    case 'NeverStarted':
      return claim('False', 'NeverStarted', 'Nothing was started, so nothing is in flight.');
    case 'GatewaysStopping':
      return claim('True', 'GatewaysStopping', gatewaysStopping(facts));
    case 'Emptying':
      return claim('True', 'Emptying', emptying(facts));
    case 'Proven':
    case 'WorkersStopping':
      return claim('True', 'WorkersStopping', `${proof} Workers stop.`);
    case 'Drained':
      return observed.isDeleting
        ? claim('True', 'CleaningUp', `${proof} ${cleaningUp(facts)}`)
        : claim('False', 'Drained', proof);
    case 'Purging':
      return claim('True', 'Purging', 'Gateways and workers stop; what is in flight is dropped.');
    case 'Purged':
      return claim('True', 'Purging', `Nothing runs any more. ${cleaningUp(facts)}`);
  }
}

/** No spec was ever valid, or the last that was is lost: what runs is left as it is. */
function specNotValid(): string {
  return `How the pipeline is to be drained is not known, because its spec is not valid. Correct the spec; taking the finalizer ${drainFinalizer} away by hand loses what is not committed.`;
}

function gatewaysStopping({ observed }: Facts): string {
  const { owner } = observed;
  return `The pods of Deployment/${roleName(owner.name, 'gateway')} answer what they have taken and stop; workers go on until nothing is left.`;
}

function emptying(facts: Facts): string {
  const { observed } = facts;
  const remedy = observed.isDeleting
    ? ` The resource goes when they are empty; taking the finalizer ${drainFinalizer} away by hand loses what is not committed.`
    : '';
  return `${whyNotEmpty(facts)}${remedy}`;
}

function whyNotEmpty(facts: Facts): string {
  const { observed, workers, backends } = facts;
  const { progress } = observed;
  const deployment = `Deployment/${roleName(observed.owner.name, 'worker')}`;
  if (backends !== undefined) return `Workers cannot start. ${backends.message}`;
  const down = backendsDown(progress?.backends);
  if (down !== undefined) return `Whether the streams are empty cannot be seen. ${down.message}`;
  if (workers.ready === 0) {
    return `No worker is ready to commit what is in the streams; the pods of ${deployment} say why.`;
  }
  if (!observed.isReportFinal) return 'Workers are asked whether anything is left in the streams.';
  if (progress !== undefined && progress.backlog.entries > 0) {
    return 'Workers commit what is left in the streams.';
  }
  return 'A gateway gave a sign of life to the ledger moments ago; it has to be silent for some seconds.';
}

function cleaningUp({ observed, janitor, backends }: Facts): string {
  const job = `Job/${roleName(observed.owner.name, 'janitor')}`;
  if (janitor === 'Failed') {
    return `${job} has given up: its pod’s log says why. Delete the Job to have it tried again.`;
  }
  if (janitor === undefined && backends !== undefined) {
    return `${job} cannot start. ${backends.message}`;
  }
  const hasFailed = observed.pods.janitors.some(({ exitCode = 0 }) => exitCode !== 0);
  return hasFailed
    ? `${job} clears up behind the pipeline; a pod of it has failed, and another tries again. Its log says why.`
    : `${job} clears up behind the pipeline.`;
}
