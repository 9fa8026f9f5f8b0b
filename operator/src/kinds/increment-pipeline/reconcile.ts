/**
 * observe → validate → plan → act → status, for one IncrementPipeline. Control flow only: what is
 * decided is decided in the pure files beside this one.
 *
 * An invalid new spec never stops the care of the last valid one. A resource that is being deleted
 * gets passes until its finalizer is off; the pass that takes it off writes no status, because there
 * is nothing left to write it to.
 */
import {
  incrementPipelineKind,
  type IncrementPipelineProgress,
  type IncrementPipelineStatus,
} from '@millrace/crds/increment-pipeline';
import type { Clock } from '@millrace/kit/clock';
import { carryOut, nothingDone, type CarryOutOptions } from '../../machinery/carry-out.ts';
import type { KubeObject } from '../../machinery/kube-api.ts';
import type { OwnWrites } from '../../machinery/own-writes.ts';
import type { ProgressPoller } from '../../machinery/progress-poller.ts';
import { StatusWriter } from '../../machinery/status-writer.ts';
import type { OperatorTelemetry } from '../../machinery/telemetry.ts';
import type { WorkResult } from '../../machinery/work-queue.ts';
import { childrenOf } from '../../machinery/workload/caches.ts';
import { pollTarget, type PodAddress } from '../../machinery/workload/poll-target.ts';
import { podsOfRole } from '../../machinery/workload/pods.ts';
import { chooseSpec } from '../../machinery/workload/spec-choice.ts';
import { careFor } from './care.ts';
import { Memory } from './memory.ts';
import { names } from './names.ts';
import { observe, type Caches } from './observe.ts';
import type { Observed } from './observed.ts';
import { plan } from './plan.ts';
import type { RenderPods } from './rendering.ts';
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
  readonly poller: Pick<
    ProgressPoller<IncrementPipelineProgress>,
    'track' | 'forget' | 'heard' | 'ask'
  >;
  /** Image of pods that are rendered anew. */
  readonly image: string;
  readonly render?: RenderPods;
  /** Least time between two writes of mere figures. */
  readonly statusIntervalMs: number;
  readonly podAddress: PodAddress;
}

export function createReconcile(options: ReconcileOptions): (key: string) => Promise<WorkResult> {
  const { caches, clock, poller, statusIntervalMs: intervalMs } = options;
  const { slug } = incrementPipelineKind;
  const { fieldManager, scaleManager, statusManager } = names;
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
  const memory = new Memory(clock);
  return async (key) => {
    const observed = observe(key, caches, (uid) => memory.recall(uid, poller.heard(key, uid)));
    if (observed === undefined) {
      poller.forget(key);
      statuses.forget(key);
      memory.forget(key);
      return {};
    }
    poll(key, observed, options);
    const { spec, obstacle, isPaused } = chooseSpec(observed, validate);
    const care = careFor({ ...options, spec, observed, now: clock.now() });
    if (care?.stopping === 'Emptying') poller.ask(key);
    memory.keep(key, observed.owner.uid, care?.workers.recommendation);
    const steps = plan({ care, observed });
    const { resource, owner, status: held } = observed;
    const children = childrenOf(owner.uid, caches);
    const planned = { type, object: resource, uid: owner.uid, plan: steps, children };
    const pass = isPaused ? nothingDone : await carryOut(key, planned, own);
    const isReleased = steps.steps.some((step) => step.op === 'finalizer' && !step.isHeld);
    if (isReleased && pass.obstacle === undefined && !isPaused) return {};
    const wanted = status({
      observed,
      care,
      plan: steps,
      obstacle: obstacle ?? pass.obstacle,
      isPaused,
      changed: pass.changed,
      now: new Date(clock.now()).toISOString(),
    });
    const laterMs = await statuses.write(key, { resource, held, wanted });
    return soonest(pass.requeueAfterMs, laterMs, lookAgainMs(care));
  };
}

/** A number of workers that may fall falls when that has lasted, and no report may come to say so. */
const lookAgainAfterMs = 10_000;

function lookAgainMs(care: ReturnType<typeof careFor>): number | undefined {
  const ofDriver = care?.scaling.choice.lookAgainMs;
  const isLower = care?.workers.recommendation?.lowerSince !== undefined;
  return isLower ? Math.min(lookAgainAfterMs, ofDriver ?? lookAgainAfterMs) : ofDriver;
}

/** Asks one pod, a worker if one runs: any of them knows the whole pipeline. */
function poll(
  key: string,
  { owner, pods }: Observed,
  { caches, podAddress, poller }: ReconcileOptions,
): void {
  const running = [...pods.workers, ...pods.gateways].filter(({ hasEnded }) => !hasEnded);
  // An answer of the time before a stop says nothing of the time after it.
  if (running.length === 0) poller.forget(key);
  const pod =
    running.findLast(({ isReady, isTerminating }) => isReady && !isTerminating) ?? running.at(-1);
  const held = ['worker', 'gateway']
    .flatMap((role) => caches.pods.byIndex(podsOfRole, `${owner.uid} ${role}`))
    .find(({ metadata }: KubeObject) => metadata.uid === pod?.uid);
  const target = pollTarget(held, podAddress);
  // What one pod said of the pipeline is as true once another is asked.
  if (target !== undefined) poller.track(key, { ...target, id: owner.uid });
}

function soonest(...delaysMs: readonly (number | undefined)[]): WorkResult {
  const known = delaysMs.filter((delayMs) => delayMs !== undefined);
  return known.length === 0 ? {} : { requeueAfterMs: Math.min(...known) };
}
