/**
 * How far a pipeline has come on its way to a stop, whether because it is suspended or because it is
 * deleted. Pure; plan, conditions and waits all ask it.
 *
 * Gateways stop first. Workers stay until it is proven that nothing is left: a report that was asked
 * for after the last gateway pod was gone says that no entry waits and that no gateway is alive. The
 * proof goes on record, in the condition Draining, before the first worker stops, so that whoever
 * comes after a crash knows why there are none. A record of an earlier generation counts only while
 * there are still no workers: with them gateways may have run since.
 */
import type { IncrementPipelineSpec } from '@millrace/crds/increment-pipeline';
import { conditionOf } from '../../machinery/conditions.ts';
import { isGone } from '../../machinery/workload/gone.ts';
import { presentReplicas } from '../../machinery/workload/scaled.ts';
import { defaults } from './children/config-map.ts';
import type { Recorded } from './draining.ts';
import type { Observed } from './observed.ts';

export type Stopping =
  /** It is to run. */
  | 'No'
  /** Nothing was ever started, so there is nothing to wait for. */
  | 'NeverStarted'
  | 'GatewaysStopping'
  /** Workers commit what is left. */
  | 'Emptying'
  /** Nothing is left, and that is not on record yet. */
  | 'Proven'
  | 'WorkersStopping'
  | 'Drained'
  /** Deleted with Purge: everything stops at once, whatever is in flight. */
  | 'Purging'
  | 'Purged';

export function deletionPolicyOf({ deletionPolicy }: IncrementPipelineSpec): 'Retain' | 'Purge' {
  return deletionPolicy ?? defaults.deletionPolicy;
}

export function stoppingOf(spec: IncrementPipelineSpec, observed: Observed): Stopping {
  const { isDeleting } = observed;
  if (!isDeleting && spec.suspend !== true) return 'No';
  const areGone = { gateways: areGatewaysGone(observed), workers: areWorkersGone(observed) };
  return isDeleting && deletionPolicyOf(spec) === 'Purge'
    ? purging(areGone)
    : emptied(observed, areGone);
}

interface Gone {
  readonly gateways: boolean;
  readonly workers: boolean;
}

function purging({ gateways, workers }: Gone): Stopping {
  return gateways && workers ? 'Purged' : 'Purging';
}

function emptied(observed: Observed, { gateways, workers }: Gone): Stopping {
  if (!observed.isHeld && gateways && workers) return 'NeverStarted';
  if (!gateways) return 'GatewaysStopping';
  if (!isOnRecord(observed)) return isProven(observed) ? 'Proven' : 'Emptying';
  return workers ? 'Drained' : 'WorkersStopping';
}

const recorded: readonly string[] = [
  'WorkersStopping',
  'Drained',
  'CleaningUp',
] satisfies readonly Recorded[];

function isOnRecord({ owner, status, generation, children }: Observed): boolean {
  const held = conditionOf(status?.conditions, 'Draining');
  if (held === undefined || !recorded.includes(held.reason)) return false;
  return held.observedGeneration === generation || presentReplicas(owner, children.worker) === 0;
}

/** A report of a look that could not see everything proves nothing. */
function isProven({ progress, isReportFinal }: Observed): boolean {
  if (!isReportFinal || progress?.state !== 'Running') return false;
  const { backlog, members, backends } = progress;
  return backlog.entries === 0 && members.gateways === 0 && backends.every(({ ok }) => ok);
}

export function areGatewaysGone({
  owner,
  children,
  pods,
}: Pick<Observed, 'owner' | 'children' | 'pods'>): boolean {
  return isGone({ owner, deployment: children.gateway, pods: pods.gateways });
}

function areWorkersGone({ owner, children, pods }: Observed): boolean {
  return isGone({ owner, deployment: children.worker, pods: pods.workers });
}
