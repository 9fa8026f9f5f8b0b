/**
 * observe → validate → plan → act → status, for one IncrementPipeline. Control flow only: what is decided is
 * decided in the pure files beside this one.
 */
import {
  incrementPipelineKind,
  type IncrementPipelineStatus,
} from '@millrace/crds/increment-pipeline';
import type { Clock } from '@millrace/kit/clock';
import { carryOut, nothingDone, type CarryOutOptions } from '../../machinery/carry-out.ts';
import type { OwnWrites } from '../../machinery/own-writes.ts';
import { StatusWriter } from '../../machinery/status-writer.ts';
import type { OperatorTelemetry } from '../../machinery/telemetry.ts';
import type { WorkResult } from '../../machinery/work-queue.ts';
import { fieldManager, scaleManager, statusManager } from './names.ts';
import { observe, type Caches } from './observe.ts';
import type { Observed } from './observed.ts';
import { plan } from './plan.ts';
import { incrementPipelines } from './resource-types.ts';
import { hasTransition, status } from './status.ts';
import { validate } from './validate.ts';

export interface ReconcileOptions extends Omit<
  CarryOutOptions,
  'slug' | 'fieldManager' | 'scaleManager' | 'telemetry' | 'clock' | 'writes'
> {
  readonly clock: Clock;
  readonly writes: OwnWrites;
  readonly telemetry: Pick<OperatorTelemetry, 'stateChanged' | 'drifted'>;
  readonly caches: Caches;
  readonly image: string;
  readonly statusIntervalMs: number;
}

export function createReconcile(options: ReconcileOptions): (key: string) => Promise<WorkResult> {
  const { caches, clock, image, statusIntervalMs: intervalMs } = options;
  const { slug } = incrementPipelineKind;
  const type = incrementPipelines;
  const own = { ...options, slug, fieldManager, scaleManager };
  const writing = {
    ...options,
    slug,
    type,
    fieldManager: statusManager,
    hasTransition,
    intervalMs,
  };
  const statuses = new StatusWriter<IncrementPipelineStatus>(writing);
  return async (key) => {
    const observed = observe(key, caches);
    if (observed === undefined) {
      statuses.forget(key);
      return {};
    }
    const { resource, owner, children, status: held } = observed;
    const { spec, obstacle, isPaused } = chooseSpec(observed);
    const steps = plan({ spec, observed, image });
    const planned = { type, object: resource, uid: owner.uid, plan: steps, children };
    const pass = isPaused ? nothingDone : await carryOut(key, planned, own);
    const wanted = status({
      observed,
      spec,
      plan: steps,
      obstacle: obstacle ?? pass.obstacle,
      isPaused,
      changed: pass.changed,
      now: new Date(clock.now()).toISOString(),
    });
    const laterMs = await statuses.write(key, { resource, held, wanted });
    const delaysMs = [pass.requeueAfterMs, laterMs].filter((delayMs) => delayMs !== undefined);
    return delaysMs.length === 0 ? {} : { requeueAfterMs: Math.min(...delaysMs) };
  };
}

/** The spec if it is valid. The last that was must be kept somewhere, as CsvImport keeps it. */
export function chooseSpec({ spec }: Observed) {
  const verdict = validate(spec);
  // `paused` is a wish to be left alone, and holds even in a spec that is wrong elsewhere.
  const isPaused = (spec as { readonly paused?: unknown } | undefined)?.paused === true;
  return verdict.ok
    ? { spec: verdict.spec, obstacle: undefined, isPaused }
    : { spec: undefined, obstacle: verdict.problem, isPaused };
}
