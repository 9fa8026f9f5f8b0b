/**
 * How far an import has come on its way to being purged. Pure; plan, conditions and waits all ask it.
 *
 * Only an import with `deletionPolicy: Purge` is held back from its deletion. Everything of it stops
 * first, whatever is in flight: a coordinator that still ran would make again what the janitor takes
 * away. A policy that becomes Retain lets the resource go at once, also in the middle of that.
 */
import type { CsvImportSpec } from '@millrace/crds/csv-import';
import { isGone, isJobAtRest } from '../../machinery/workload/gone.ts';
import type { Observed } from './observed.ts';

export type Purging =
  /** It is not deleted, or its data stays. */
  | 'No'
  /** Coordinator, workers and gateways stop. */
  | 'Stopping'
  /** Nothing runs any more: the janitor’s turn. */
  | 'Stopped';

export function isToPurge({ deletionPolicy }: CsvImportSpec): boolean {
  return deletionPolicy === 'Purge';
}

export function purgingOf(spec: CsvImportSpec, observed: Observed): Purging {
  const { owner, children, coordinators, pods, isDeleting, isHeld } = observed;
  if (!isDeleting || !isHeld || !isToPurge(spec)) return 'No';
  const isCoordinating = coordinators.some(({ exitCode }) => exitCode === undefined);
  const isAtRest =
    !isCoordinating &&
    isJobAtRest(owner, children.job) &&
    isGone({ owner, deployment: children.worker, pods: pods.workers }) &&
    isGone({ owner, deployment: children.gateway, pods: pods.gateways });
  return isAtRest ? 'Stopped' : 'Stopping';
}
