/**
 * Computes the status from what was observed. Pure; the only other inputs are what the pass did and
 * the time, which dates transitions. Its parts are conditions (conditions.ts), waits (waiting.ts) and
 * the figures of the last report.
 */
import type { CsvImportProgress, CsvImportSpec, CsvImportStatus } from '@millrace/crds/csv-import';
import { canonicalJson } from '../../machinery/canonical-json.ts';
import { conditions } from '../../machinery/conditions.ts';
import { waiting } from '../../machinery/waiting.ts';
import { replicasOf } from '../../machinery/workload/deployment.ts';
import { planLines } from '../../machinery/workload/status-plan.ts';
import { claims } from './conditions.ts';
import { factsOf, type Facts, type Situation } from './facts.ts';
import type { Outcome } from './outcome.ts';
import { workersWanted } from './plan.ts';
import { waits } from './waits.ts';

export interface StatusInput extends Situation {
  /** Steps that changed something in this pass. */
  readonly changed: readonly string[];
  /** RFC 3339. */
  readonly now: string;
}

/** All but `intent`, which belongs to another writer. */
export function status(input: StatusInput): CsvImportStatus {
  const { observed, care, changed, now } = input;
  const { status: held, generation } = observed;
  const facts = factsOf(input);
  const { outcome, spec } = facts;
  const progress =
    outcome.state === 'Complete' ? (outcome.report ?? observed.progress) : observed.progress;
  const waited = waiting(waits(facts), { previous: held?.waiting, now });
  const plan = planLines(changed, held?.plan);
  return {
    observedGeneration: generation,
    conditions: conditions(claims(facts), { previous: held?.conditions, generation, now }),
    ...(progress === undefined ? {} : figures(progress, outcome)),
    ...(spec === undefined ? {} : { workers: workers(spec, facts) }),
    ...(care === undefined ? {} : { runtimeImage: care.rendering.image }),
    ...(waited.length === 0 ? {} : { waiting: waited }),
    ...(plan === undefined ? {} : { plan }),
  };
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
  const { totals: _t, percent: _p, intent: _i, progress, ...told } = held;
  return canonicalJson([told, progress?.state]);
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

function figures(
  progress: CsvImportProgress,
  outcome: Outcome,
): Pick<CsvImportStatus, 'totals' | 'progress' | 'percent'> {
  return { totals: progress.totals, progress, percent: percent(progress.bytes, outcome) };
}

function percent(
  bytes: { readonly source: number; readonly done: number },
  outcome: Outcome,
): number {
  if (outcome.state === 'Complete') return 100;
  if (bytes.source === 0) return 0;
  return Math.min(99, Math.floor((bytes.done / bytes.source) * 100));
}
