/**
 * How many workers, and why; the coordinator’s advice within the bounds of the spec. Pure.
 *
 * As long as this process has not heard it, there stay as many as there are: what an earlier process
 * had written down may be older than what it did, and a wrong guess would stop workers for the time of
 * one question.
 */
import type { CsvImportProgress, CsvImportSpec } from '@millrace/crds/csv-import';
import { presentReplicas } from '../../machinery/workload/scaled.ts';
import { workerBounds } from './children/config-map.ts';
import type { Observed } from './observed.ts';
import type { Outcome } from './outcome.ts';

export interface WorkersWanted {
  readonly replicas: number;
  readonly reason: string;
  /** The number is what the cache shows, and nobody has asked for it. */
  readonly isGuess: boolean;
  /** Nothing is to be loaded, whatever is left. */
  readonly isToRest: boolean;
}

export interface ScalingInput {
  readonly spec: CsvImportSpec;
  readonly observed: Observed;
  readonly outcome: Outcome;
}

export function workersWanted({ spec, observed, outcome }: ScalingInput): WorkersWanted {
  const { progress, isRemembered: isGuess } = observed;
  if (observed.isDeleting && observed.isHeld) {
    return { replicas: 0, reason: 'the import is deleted', isGuess, isToRest: true };
  }
  const isEnded = outcome.state !== 'Running';
  if (isEnded || spec.suspend === true) {
    const reason = isEnded ? 'there is nothing left to load' : 'the import is suspended';
    return { replicas: 0, reason, isGuess, isToRest: true };
  }
  const { min, max } = workerBounds(spec);
  const asFar = { isGuess, isToRest: false, reason: 'the coordinator has not reported yet' };
  if (progress === undefined || isGuess) {
    const present = presentReplicas(observed.owner, observed.children.worker);
    return { ...asFar, replicas: Math.min(present, max) };
  }
  if (progress.state === 'Complete' || progress.state === 'Failed') {
    return { ...asFar, replicas: 0 };
  }
  return { isGuess, ...bounded(progress, { min, max }) };
}

function bounded(
  { sequential, workers: { wanted, why } }: CsvImportProgress,
  { min, max }: { readonly min: number; readonly max: number },
): Omit<WorkersWanted, 'isGuess'> {
  // More workers than none would only wait for chunks that nobody announces.
  if (sequential !== undefined) return { isToRest: true, replicas: 0, reason: sequential };
  const replicas = Math.max(min, Math.min(wanted, max));
  const bound = wanted > max ? 'max' : 'min';
  const reason = replicas === wanted ? why : `spec.workers.${bound} is ${replicas}; ${why}`;
  return { isToRest: false, replicas, reason };
}
