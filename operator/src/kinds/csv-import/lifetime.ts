/**
 * Whether an import that has ended has been kept for long enough. Pure.
 *
 * It counts from when its condition Complete or Failed became true. An end that a changed spec is about
 * to overcome is none.
 */
import type { CsvImportSpec } from '@millrace/crds/csv-import';
import { durationMs } from '@millrace/crds/schema';
import { conditionOf } from '../../machinery/conditions.ts';
import type { Observed } from './observed.ts';
import type { Outcome } from './outcome.ts';

export interface LifetimeInput {
  readonly spec: CsvImportSpec;
  readonly observed: Pick<Observed, 'status' | 'isDeleting' | 'generation'>;
  /** What the present generation has come to. */
  readonly outcome: Outcome;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Milliseconds that are left of it, 0 for none; undefined where it does not count. */
export function timeLeft({ spec, observed, outcome, now }: LifetimeInput): number | undefined {
  const { ttlAfterFinished } = spec;
  if (ttlAfterFinished === undefined || observed.isDeleting) return undefined;
  const endedAt = endOf(outcome, observed.status);
  const ttlMs = durationMs(ttlAfterFinished);
  if (endedAt === undefined || ttlMs === undefined) return undefined;
  return Math.max(0, endedAt + ttlMs - now);
}

function endOf({ state }: Outcome, status: Observed['status']): number | undefined {
  const type = state === 'Complete' ? 'Complete' : 'Failed';
  if (state === 'Running' || state === 'Unread') return undefined;
  const ended = conditionOf(status?.conditions, type);
  if (ended?.status !== 'True') return undefined;
  const at = Date.parse(ended.lastTransitionTime);
  return Number.isNaN(at) ? undefined : at;
}
