/**
 * observe → validate → plan → act → status, for one CsvImport. Control flow only: what is decided is
 * decided in the pure files beside this one.
 *
 * An invalid new spec never stops the care of the last valid one, which is kept beside the
 * configuration it produced. Progress is written to status at most once per interval; everything a
 * person or a tool waits for is written at once.
 */
import {
  csvImportKind,
  type CsvImportProgress,
  type CsvImportStatus,
} from '@millrace/crds/csv-import';
import type { Clock } from '@millrace/kit/clock';
import { carryOut, nothingDone } from '../../machinery/carry-out.ts';
import type { EventRecorder } from '../../machinery/events.ts';
import type { IntentOptions } from '../../machinery/intent.ts';
import type { KubeApi } from '../../machinery/kube-api.ts';
import type { OwnWrites } from '../../machinery/own-writes.ts';
import type { PollTarget, ProgressPoller } from '../../machinery/progress-poller.ts';
import { StatusWriter } from '../../machinery/status-writer.ts';
import type { OperatorTelemetry } from '../../machinery/telemetry.ts';
import type { WorkResult } from '../../machinery/work-queue.ts';
import { childrenOf } from '../../machinery/workload/caches.ts';
import { pollTarget, type PodAddress } from '../../machinery/workload/poll-target.ts';
import { podsOfRole } from '../../machinery/workload/pods.ts';
import { chooseSpec } from '../../machinery/workload/spec-choice.ts';
import type { Plan } from '../../machinery/step.ts';
import { careFor, type Care } from './care.ts';
import { timeLeft } from './lifetime.ts';
import { names } from './names.ts';
import { observe, type Caches } from './observe.ts';
import type { Observed } from './observed.ts';
import { outcomeOf } from './outcome.ts';
import { plan } from './plan.ts';
import type { RenderPods } from './rendering.ts';
import { csvImports } from './resource-types.ts';
import { hasTransition, status } from './status.ts';
import { validate } from './validate.ts';

export interface ReconcileOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly caches: Caches;
  readonly writes: OwnWrites;
  readonly poller: Pick<ProgressPoller<CsvImportProgress>, 'track' | 'forget' | 'latest'>;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly telemetry: Pick<OperatorTelemetry, 'stateChanged' | 'drifted'>;
  readonly fence: IntentOptions['fence'];
  /** Image of pods that are rendered anew. */
  readonly image: string;
  readonly render?: RenderPods;
  /** Least time between two writes of mere progress. */
  readonly statusIntervalMs: number;
  /** Where a pod’s admin port is reached; undefined while it is not. */
  readonly podAddress: PodAddress;
}

export function createReconcile(options: ReconcileOptions): (key: string) => Promise<WorkResult> {
  const { clock, caches, poller } = options;
  const { slug } = csvImportKind;
  const { fieldManager, scaleManager, statusManager } = names;
  const managers = { fieldManager, scaleManager };
  const statuses = new StatusWriter<CsvImportStatus>({
    ...options,
    slug,
    type: csvImports,
    fieldManager: statusManager,
    hasTransition,
    intervalMs: options.statusIntervalMs,
  });
  return async (key) => {
    const observed = observe(key, caches, (pod) => poller.latest(key, pod));
    if (observed === undefined) {
      poller.forget(key);
      statuses.forget(key);
      return {};
    }
    poll(key, observed, options);
    const { spec, obstacle, isPaused } = chooseSpec(observed, validate);
    const care = careFor({ ...options, spec, observed });
    const steps = plan({ care, observed, now: clock.now() });
    const { resource, owner } = observed;
    const input = { type: csvImports, object: resource, uid: owner.uid, plan: steps };
    const children = childrenOf(owner.uid, caches);
    const pass = isPaused
      ? nothingDone
      : await carryOut(key, { ...input, children }, { ...options, ...managers, slug });
    if (isLastPass(steps) && pass.obstacle === undefined && !isPaused) return {};
    const wanted = status({
      observed,
      care,
      plan: steps,
      obstacle: obstacle ?? pass.obstacle,
      isPaused,
      changed: pass.changed,
      now: new Date(clock.now()).toISOString(),
    });
    const laterMs = await statuses.write(key, { resource, held: observed.status, wanted });
    // By the status of this pass: the write of it may be the last thing that happens for long.
    const ended = { ...observed, status: wanted };
    const expiresMs = care === undefined ? undefined : lookAgainMs({ care, ended, clock });
    return soonest(pass.requeueAfterMs, laterMs, care?.scaling.choice.lookAgainMs, expiresMs);
  };
}

/** Nothing is left to write a status to, or it is about to go. */
function isLastPass({ steps }: Plan): boolean {
  return steps.some(
    (step) =>
      (step.op === 'finalizer' && !step.isHeld) ||
      (step.op === 'delete' && step.type === csvImports),
  );
}

/** A timer of more than 24 days would fire at once. */
const expiryMaxMs = 3_600_000;

/** When an import that has ended has been kept for long enough, nothing else wakes it. */
function lookAgainMs({
  care,
  ended,
  clock,
}: {
  readonly care: Care;
  readonly ended: Observed;
  readonly clock: Pick<Clock, 'now'>;
}): number | undefined {
  const { spec } = care;
  const outcome = outcomeOf(ended);
  const leftMs = timeLeft({ spec, observed: ended, outcome, now: clock.now() });
  return leftMs === undefined ? undefined : Math.min(leftMs, expiryMaxMs);
}

/** Asks the coordinator that runs; once the import is complete, a gateway, now and then. */
function poll(key: string, observed: Observed, options: ReconcileOptions): void {
  const { poller } = options;
  const { state } = outcomeOf(observed);
  const gateway = state === 'Complete' ? gatewayTarget(observed, options) : undefined;
  const target = coordinatorTarget(observed, options) ?? gateway;
  if (target !== undefined) poller.track(key, target);
  else if (state !== 'Running') poller.forget(key);
}

function coordinatorTarget(
  { owner, coordinators, children }: Observed,
  options: ReconcileOptions,
): PollTarget | undefined {
  const job = children.job?.metadata.uid;
  const running = coordinators.find((pod) => pod.exitCode === undefined && pod.jobUid === job);
  return targetOf(`${owner.uid} coordinator`, running?.uid, options);
}

/** Totals change with replays, which people make; a key that is missing is told within this time. */
const gatewayRestMs = 60_000;

function gatewayTarget(
  { owner, pods: { gateways } }: Observed,
  options: ReconcileOptions,
): PollTarget | undefined {
  const ready = gateways.findLast(({ isReady, isTerminating }) => isReady && !isTerminating);
  const target = targetOf(`${owner.uid} gateway`, ready?.uid, options);
  return target === undefined ? undefined : { ...target, restMs: gatewayRestMs };
}

function targetOf(
  role: string,
  uid: string | undefined,
  { caches, podAddress }: ReconcileOptions,
): PollTarget | undefined {
  const pods = caches.pods.byIndex(podsOfRole, role);
  const pod = pods.find(({ metadata }) => metadata.uid === uid);
  return pollTarget(pod, podAddress);
}

function soonest(...delaysMs: readonly (number | undefined)[]): WorkResult {
  const known = delaysMs.filter((delayMs) => delayMs !== undefined);
  return known.length === 0 ? {} : { requeueAfterMs: Math.min(...known) };
}
