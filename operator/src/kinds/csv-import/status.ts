/**
 * Computes the status from what was observed. Pure; the only other inputs are what the pass did and
 * the time, which dates transitions. Its parts are conditions (conditions.ts), waits (waiting.ts) and
 * the figures of the last report.
 */
import type { CsvImportProgress, CsvImportStatus } from '@millrace/crds/csv-import';
import { canonicalJson } from '../../machinery/canonical-json.ts';
import { conditions } from '../../machinery/conditions.ts';
import { waiting } from '../../machinery/waiting.ts';
import { replicasOf } from '../../machinery/workload/deployment.ts';
import { publishedScaling } from '../../machinery/workload/scaling/resource-scaling.ts';
import { planLines } from '../../machinery/workload/status-plan.ts';
import type { Care } from './care.ts';
import { claims } from './conditions.ts';
import { factsOf, type Facts, type Situation } from './facts.ts';
import type { Outcome } from './outcome.ts';
import { workersWanted } from './scaling.ts';
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
  const { outcome } = facts;
  const progress =
    outcome.state === 'Complete'
      ? sinceThen(outcome.report ?? observed.progress, observed.served)
      : observed.progress;
  const waited = waiting(waits(facts), { previous: held?.waiting, now });
  const plan = planLines(changed, held?.plan);
  return {
    observedGeneration: generation,
    conditions: conditions(claims(facts), { previous: held?.conditions, generation, now }),
    ...(progress === undefined ? {} : figures(progress, outcome)),
    ...(care === undefined
      ? {}
      : { ...crew(care, { facts, held, now }), runtimeImage: care.rendering.image }),
    ...(waited.length === 0 ? {} : { waiting: waited }),
    ...(plan === undefined ? {} : { plan }),
  };
}

/** Rejects may have been replayed since the end, which the gateways see in the ledger. */
function sinceThen(
  ended: CsvImportProgress | undefined,
  served: CsvImportProgress | undefined,
): CsvImportProgress | undefined {
  if (ended === undefined || served === undefined) return ended;
  const { rejectReasons: _before, ...rest } = ended;
  const { totals, rejectReasons } = served;
  return { ...rest, totals, ...(rejectReasons === undefined ? {} : { rejectReasons }) };
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
  const { totals: _t, percent: _p, intent: _i, progress, scaling, ...told } = held;
  return canonicalJson([told, progress?.state, scaling?.driver, scaling?.needed]);
}

function crew(
  { spec, scaling }: Care,
  { facts, held, now }: { readonly facts: Facts } & Pick<StatusInput, 'now'> & Held,
): Pick<CsvImportStatus, 'workers' | 'scaling'> {
  const { observed, outcome } = facts;
  const { worker } = observed.children;
  const wanted = workersWanted({ spec, observed, outcome });
  return {
    workers: { wanted: wanted.replicas, ready: replicasOf(worker).ready },
    scaling: publishedScaling({
      scaling,
      owner: observed.owner,
      held: worker,
      wanted,
      previous: held?.scaling,
      now,
    }),
  };
}

interface Held {
  readonly held: CsvImportStatus | undefined;
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
