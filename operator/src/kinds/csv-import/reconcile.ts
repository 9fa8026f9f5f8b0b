/**
 * observe → validate → plan → act → status, for one CsvImport. Control flow only: what is decided is
 * decided in the pure files beside this one.
 *
 * An invalid new spec never stops the care of the last valid one, which is kept beside the
 * configuration it produced. Progress is written to status at most once per interval; everything a
 * person or a tool waits for is written at once.
 */
import { isDeepStrictEqual } from 'node:util';
import {
  csvImportKind,
  type CsvImportProgress,
  type CsvImportStatus,
} from '@millrace/crds/csv-import';
import { apiVersion } from '@millrace/crds/define-kind';
import type { Clock } from '@millrace/kit/clock';
import { act, type ActResult, type Child } from '../../machinery/act.ts';
import type { EventRecorder } from '../../machinery/events.ts';
import { driftNote, type FoundDrift } from '../../machinery/drift.ts';
import { intents, type IntentOptions } from '../../machinery/intent.ts';
import type { KubeApi, KubeObject } from '../../machinery/kube-api.ts';
import { KubeFailure } from '../../machinery/kube-failure.ts';
import type { OwnWrite, OwnWrites } from '../../machinery/own-writes.ts';
import type { PollTarget, ProgressPoller } from '../../machinery/progress-poller.ts';
import type { Plan } from '../../machinery/step.ts';
import type { OperatorTelemetry } from '../../machinery/telemetry.ts';
import type { WorkResult } from '../../machinery/work-queue.ts';
import { conditionOf } from '../../machinery/conditions.ts';
import { NameTaken } from '../../machinery/name-taken.ts';
import { podsOfRole } from './coordinator-pods.ts';
import type { Obstacle } from './facts.ts';
import { fieldManager, scaleManager, statusManager, uidLabel } from './names.ts';
import { observe, type Caches } from './observe.ts';
import type { Observed } from './observed.ts';
import { outcomeOf } from './outcome.ts';
import { plan, type Care } from './plan.ts';
import { renderingOf, type RenderPods } from './rendering.ts';
import { csvImports, ownedTypes } from './resource-types.ts';
import { hasTransition, status } from './status.ts';
import { validate } from './validate.ts';
import { refusalRetrySeconds } from './waits.ts';

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
  readonly podAddress: (
    pod: KubeObject,
  ) => { readonly host: string; readonly port: number } | undefined;
}

export function createReconcile(options: ReconcileOptions): (key: string) => Promise<WorkResult> {
  const { clock, caches, poller } = options;
  const writtenAt = new Map<string, number>();
  return async (key) => {
    const observed = observe(key, caches, poller.latest(key));
    if (observed === undefined) {
      poller.forget(key);
      writtenAt.delete(key);
      return {};
    }
    poll(key, observed, options);
    const { spec, obstacle, isPaused } = chooseSpec(observed);
    const care: Care | undefined =
      spec === undefined
        ? undefined
        : { spec, rendering: renderingOf({ ...options, spec, observed }) };
    const steps = plan({ care, observed, now: clock.now() });
    const pass = await carryOut(key, { observed, steps, isPaused }, options);
    const wanted = status({
      observed,
      care,
      plan: steps,
      obstacle: obstacle ?? pass.obstacle,
      isPaused,
      changed: pass.changed,
      now: new Date(clock.now()).toISOString(),
    });
    const laterMs = await writeStatus(key, { observed, wanted, writtenAt }, options);
    return soonest(pass.requeueAfterMs, laterMs);
  };
}

/** The newest spec if it is valid, else the last that was. */
export function chooseSpec(observed: Observed) {
  const verdict = validate(observed.spec);
  if (verdict.ok) {
    return { spec: verdict.spec, obstacle: undefined, isPaused: verdict.spec.paused === true };
  }
  const last = validate(observed.lastSpec);
  // `paused` is a wish to be left alone, and holds even in a spec that is wrong elsewhere.
  const isPaused = (observed.spec as { paused?: unknown } | undefined)?.paused === true;
  return { spec: last.ok ? last.spec : undefined, obstacle: verdict.problem, isPaused };
}

interface PassInput {
  readonly observed: Observed;
  readonly steps: Plan;
  readonly isPaused: boolean;
}

type PassResult = ActResult & { readonly obstacle: Obstacle | undefined };

const nothingDone: PassResult = {
  changed: [],
  waitingFor: undefined,
  requeueAfterMs: undefined,
  obstacle: undefined,
};

async function carryOut(
  key: string,
  { observed, steps, isPaused }: PassInput,
  options: ReconcileOptions,
): Promise<PassResult> {
  if (isPaused) return nothingDone;
  const pass = { owner: observed.owner.uid, plan: steps, children: ownChildren(observed, options) };
  const record = (write: OwnWrite): void => options.writes.record(key, write);
  const { resource } = observed;
  const drifts: FoundDrift[] = [];
  try {
    const result = await act(pass, {
      api: options.api,
      fieldManager,
      scaleManager,
      record,
      intend: intents({ type: csvImports, object: resource }, { ...options, record }),
      drifted: (drift) => drifts.push(drift),
    });
    await tellDrifts(resource, drifts, options);
    return { ...result, obstacle: undefined };
  } catch (error) {
    const obstacle = obstacleOf(error);
    if (obstacle === undefined) throw error;
    return { ...nothingDone, requeueAfterMs: refusalRetrySeconds * 1_000, obstacle };
  }
}

async function tellDrifts(
  resource: KubeObject,
  drifts: readonly FoundDrift[],
  { events, telemetry }: ReconcileOptions,
): Promise<void> {
  for (const drift of drifts) {
    const { type, ref, by } = drift;
    telemetry.drifted({ kind: csvImportKind.slug, type: type.plural, ...ref, by });
    await events.record(driftNote(resource, drift));
  }
}

function obstacleOf(error: unknown): Obstacle | undefined {
  if (error instanceof NameTaken) {
    return { reason: 'NameTaken', message: error.message, object: error.object };
  }
  if (!(error instanceof KubeFailure)) return undefined;
  if (error.reason !== 'Invalid' && error.reason !== 'Forbidden') return undefined;
  return { reason: 'Refused', message: `The API server refused a child: ${error.message}` };
}

/** Everything of the owned types that carries our uid, planned or not: what prune looks at. */
function ownChildren({ owner }: Observed, { caches }: ReconcileOptions): readonly Child[] {
  const stores = [caches.configMaps, caches.jobs, caches.deployments, caches.services];
  return ownedTypes.flatMap((type, index) =>
    (stores[index]?.byIndex(ownedByUid, owner.uid) ?? []).map((object) => ({ type, object })),
  );
}

export const ownedByUid = 'uid of the import';

/** Index of children by the import they belong to. */
export function childIndex({ metadata }: KubeObject): readonly string[] {
  const uid = metadata.labels?.[uidLabel];
  return uid === undefined ? [] : [uid];
}

/** Asks the coordinator that runs; nobody once the import has ended. */
function poll(key: string, observed: Observed, options: ReconcileOptions): void {
  const target = pollTarget(observed, options);
  if (target !== undefined) options.poller.track(key, target);
  else if (outcomeOf(observed).state !== 'Running') options.poller.forget(key);
}

function pollTarget(
  { owner, coordinators, children }: Observed,
  { caches, podAddress }: ReconcileOptions,
): PollTarget | undefined {
  const job = children.job?.metadata.uid;
  const running = coordinators.find((pod) => pod.exitCode === undefined && pod.jobUid === job);
  const pod = caches.pods
    .byIndex(podsOfRole, `${owner.uid} coordinator`)
    .find(({ metadata }) => metadata.uid === running?.uid);
  const address = pod === undefined ? undefined : podAddress(pod);
  if (running === undefined || address === undefined) return undefined;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return { id: running.uid, url: `http://${host}:${address.port}/progress` };
}

/** Apart from the intent, which another manager writes. */
function isSameStatus(held: CsvImportStatus | undefined, wanted: CsvImportStatus): boolean {
  const { intent: _intent, ...own } = held ?? { observedGeneration: -1 };
  return isDeepStrictEqual(own, wanted);
}

interface StatusWrite {
  readonly observed: Observed;
  readonly wanted: CsvImportStatus;
  readonly writtenAt: Map<string, number>;
}

/** Writes if something changed; returns how long until a change that can wait is due. */
async function writeStatus(
  key: string,
  { observed, wanted, writtenAt }: StatusWrite,
  options: ReconcileOptions,
): Promise<number | undefined> {
  const { owner, status: held } = observed;
  if (isSameStatus(held, wanted)) return undefined;
  const now = options.clock.monotonic();
  const dueInMs = (writtenAt.get(key) ?? Number.NEGATIVE_INFINITY) + options.statusIntervalMs - now;
  if (!hasTransition(held, wanted) && dueInMs > 0) return dueInMs;
  const { namespace, name, uid } = owner;
  const object: KubeObject = {
    apiVersion,
    kind: csvImportKind.kind,
    metadata: { namespace, name, uid },
    status: wanted,
  };
  const written = await options.api.applyStatus(csvImports, object, {
    fieldManager: statusManager,
    force: true,
  });
  writtenAt.set(key, now);
  const version = written.metadata.resourceVersion;
  options.writes.record(key, { type: csvImports, ref: owner, uid, version });
  await tell(written, { held, wanted }, options);
  return undefined;
}

/** One event and one line of the log for each change of what `Ready` says. */
async function tell(
  regarding: KubeObject,
  {
    held,
    wanted,
  }: { readonly held: CsvImportStatus | undefined; readonly wanted: CsvImportStatus },
  { events, telemetry }: ReconcileOptions,
): Promise<void> {
  const before = conditionOf(held?.conditions, 'Ready');
  const after = conditionOf(wanted.conditions, 'Ready');
  if (after === undefined || before?.reason === after.reason) return;
  const { namespace, name } = regarding.metadata;
  const change = { from: before?.reason, to: after.reason, why: after.message };
  telemetry.stateChanged({ kind: csvImportKind.slug, namespace, name, ...change });
  const isStalled = conditionOf(wanted.conditions, 'Stalled')?.status === 'True';
  await events.record({
    regarding,
    type: isStalled ? 'Warning' : 'Normal',
    reason: after.reason,
    note: after.message,
    action: 'Reconcile',
  });
}

function soonest(...delaysMs: readonly (number | undefined)[]): WorkResult {
  const known = delaysMs.filter((delayMs) => delayMs !== undefined);
  return known.length === 0 ? {} : { requeueAfterMs: Math.min(...known) };
}
