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
import type { Child } from '../../machinery/act.ts';
import { carryOut, nothingDone } from '../../machinery/carry-out.ts';
import type { EventRecorder } from '../../machinery/events.ts';
import type { IntentOptions } from '../../machinery/intent.ts';
import type { KubeApi, KubeObject } from '../../machinery/kube-api.ts';
import type { OwnWrites } from '../../machinery/own-writes.ts';
import type { PollTarget, ProgressPoller } from '../../machinery/progress-poller.ts';
import { StatusWriter } from '../../machinery/status-writer.ts';
import type { OperatorTelemetry } from '../../machinery/telemetry.ts';
import type { WorkResult } from '../../machinery/work-queue.ts';
import { podsOfRole } from './coordinator-pods.ts';
import { fieldManager, scaleManager, statusManager, uidLabel } from './names.ts';
import { observe, type Caches } from './observe.ts';
import type { Observed } from './observed.ts';
import { outcomeOf } from './outcome.ts';
import { plan, type Care } from './plan.ts';
import { renderingOf, type RenderPods } from './rendering.ts';
import { csvImports, ownedTypes } from './resource-types.ts';
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
  readonly podAddress: (
    pod: KubeObject,
  ) => { readonly host: string; readonly port: number } | undefined;
}

export function createReconcile(options: ReconcileOptions): (key: string) => Promise<WorkResult> {
  const { clock, caches, poller } = options;
  const { slug } = csvImportKind;
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
    const { spec, obstacle, isPaused } = chooseSpec(observed);
    const care: Care | undefined =
      spec === undefined
        ? undefined
        : { spec, rendering: renderingOf({ ...options, spec, observed }) };
    const steps = plan({ care, observed, now: clock.now() });
    const { resource, owner } = observed;
    const input = { type: csvImports, object: resource, uid: owner.uid, plan: steps };
    const children = ownChildren(observed, options);
    const pass = isPaused
      ? nothingDone
      : await carryOut(key, { ...input, children }, { ...options, ...managers, slug });
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

function soonest(...delaysMs: readonly (number | undefined)[]): WorkResult {
  const known = delaysMs.filter((delayMs) => delayMs !== undefined);
  return known.length === 0 ? {} : { requeueAfterMs: Math.min(...known) };
}
