/**
 * What the operator says about itself. Each function logs and counts together, so that a log line
 * and a metric can never disagree. Labels are bounded: kinds, types, results and reasons, never names.
 */
import type { Log } from '@millrace/kit/log';
import { Counter, Gauge, Histogram, type Metrics } from '@millrace/kit/metrics';
import { KubeFailure } from './kube-failure.ts';
import { refOf } from './object-key.ts';
import type { QueueEvents } from './work-queue.ts';

export interface OperatorTelemetry {
  queueEvents(kind: string): QueueEvents;
  /** `oldestMs` is how long the key that waits longest has waited for its turn; 0 when none waits. */
  queueStarted(kind: string, oldestMs: () => number): void;
  watchStarted(type: string, staleMs: () => number): void;
  watchRestarted(event: { readonly type: string; readonly reason: string }): void;
  polled(event: { readonly kind: string; readonly result: PollResult }): void;
  eventNotWritten(failure: unknown): void;
  /** A change in a cache woke nobody, because mapping it to keys failed. */
  changeNotHandled(event: { readonly type: string; readonly failure: unknown }): void;
  /** What `Ready` says of a resource has changed: the one line that a change of state gets. */
  stateChanged(event: StateChange): void;
  /** Somebody else had changed what is ours, and it was put back. */
  drifted(event: Drift): void;
  leadershipGained(event: { readonly epoch: number }): void;
  leadershipLost(event: { readonly epoch: number; readonly why: string }): void;
  /** Longest time any cache may have been out of date. */
  staleMs(): number;
  /** Which caches may be, each with why its watch failed last. */
  staleTypes(): readonly string[];
}

export interface StateChange {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Reasons from the closed enum of the kind; undefined before the first one. */
  readonly from: string | undefined;
  readonly to: string;
  readonly why: string;
}

export interface Drift {
  /** The kind of the resource whose child it is. */
  readonly kind: string;
  readonly type: string;
  readonly namespace: string;
  readonly name: string;
  /** Field managers that the object names for the change. */
  readonly by: readonly string[];
}

export type PollResult = 'changed' | 'unchanged' | 'failed' | 'invalid';

export function createTelemetry(log: Log, metrics: Metrics): OperatorTelemetry {
  const registers = [metrics];
  const watchRestarts = new Counter({
    name: 'millrace_operator_watch_restarts_total',
    help: 'Watches begun again after a failure.',
    labelNames: ['type', 'reason'],
    registers,
  });
  const polls = new Counter({
    name: 'millrace_operator_progress_polls_total',
    help: 'Requests for the progress of a pod, by result.',
    labelNames: ['kind', 'result'],
    registers,
  });
  const stale = staleness(metrics);
  const failures = new Map<string, string>();
  const queues = queueMetrics(metrics);
  const oldest = oldestKeys(metrics);
  return {
    queueEvents: (kind) => queueEvents({ kind, log, metrics: queues }),
    queueStarted: (kind, oldestMs) => oldest.set(kind, oldestMs),
    watchStarted: (type, staleMs) => stale.set(type, [...(stale.get(type) ?? []), staleMs]),
    staleMs: () => Math.max(0, ...[...stale.values()].flat().map((read) => read())),
    staleTypes: () =>
      [...stale]
        .filter(([, staleMs]) => staleMs.some((read) => read() > 0))
        .map(([type]) => `${type}: ${failures.get(type) ?? 'Unknown'}`),
    ...changeEvents(log, metrics),
    ...leaderEvents(log, metrics),
    watchRestarted: ({ type, reason }) => {
      watchRestarts.inc({ type, reason });
      failures.set(type, reason);
      const isServed = reason !== 'NotFound';
      log.warn({ type, reason }, isServed ? 'watch failed, resuming' : notServed);
    },
    polled: ({ kind, result }) => {
      polls.inc({ kind, result });
      log.trace({ kind, result }, 'progress polled');
    },
    eventNotWritten: (failure) => log.debug({ err: failure }, 'event not written'),
    changeNotHandled: ({ type, failure }) =>
      log.error({ type, err: failure }, 'change not handled'),
  };
}

/** A list can only be NotFound when the type itself is. */
const notServed = 'the API server does not serve this type; apply its definition from crds/';

function changeEvents(
  log: Log,
  metrics: Metrics,
): Pick<OperatorTelemetry, 'stateChanged' | 'drifted'> {
  const registers = [metrics];
  const states = new Counter({
    name: 'millrace_operator_state_changes_total',
    help: 'Changes of what Ready says of a resource, by its new reason.',
    labelNames: ['kind', 'to'],
    registers,
  });
  const drifts = new Counter({
    name: 'millrace_operator_drift_corrections_total',
    help: 'Children that somebody else had changed and that were put back.',
    labelNames: ['kind', 'type'],
    registers,
  });
  return {
    stateChanged: ({ kind, namespace, name, from, to, why }) => {
      states.inc({ kind, to });
      log.info({ kind, namespace, name, from, to, why }, 'state changed');
    },
    drifted: ({ kind, type, ...rest }) => {
      drifts.inc({ kind, type });
      log.info({ kind, type, ...rest }, 'change by somebody else put back');
    },
  };
}

function leaderEvents(
  log: Log,
  metrics: Metrics,
): Pick<OperatorTelemetry, 'leadershipGained' | 'leadershipLost'> {
  const leader = new Gauge({
    name: 'millrace_operator_leader',
    help: '1 while this process may write.',
    registers: [metrics],
  });
  const lastEpoch = new Gauge({
    name: 'millrace_operator_leader_epoch',
    help: 'Epoch of the leadership that this process holds, or held last.',
    registers: [metrics],
  });
  return {
    leadershipGained: ({ epoch }) => {
      leader.set(1);
      lastEpoch.set(epoch);
      log.info({ epoch }, 'leading');
    },
    leadershipLost: ({ epoch, why }) => {
      leader.set(0);
      log.warn({ epoch, why }, 'leadership lost');
    },
  };
}

/** Read when scraped, as the staleness is: a queue that hangs has nobody left to set a gauge. */
function oldestKeys(metrics: Metrics): Map<string, () => number> {
  const queues = new Map<string, () => number>();
  const gauge: Gauge<'kind'> = new Gauge({
    name: 'millrace_operator_queue_oldest_seconds',
    help: 'How long the key that waits longest has waited for its turn.',
    labelNames: ['kind'],
    registers: [metrics],
    collect: () => {
      for (const [kind, oldestMs] of queues) gauge.set({ kind }, oldestMs() / 1_000);
    },
  });
  return queues;
}

/** Read when scraped: a gauge that is only set on change would freeze exactly when a watch hangs. */
function staleness(metrics: Metrics): Map<string, readonly (() => number)[]> {
  const watches = new Map<string, readonly (() => number)[]>();
  const gauge: Gauge<'type'> = new Gauge({
    name: 'millrace_operator_watch_staleness_seconds',
    help: 'How long a cache may have been out of date; 0 while its watch is up.',
    labelNames: ['type'],
    registers: [metrics],
    collect: () => {
      for (const [type, staleMs] of watches) {
        gauge.set({ type }, Math.max(...staleMs.map((read) => read())) / 1_000);
      }
    },
  });
  return watches;
}

interface QueueMetrics {
  readonly results: Counter<'kind' | 'result'>;
  readonly seconds: Histogram<'kind'>;
  readonly depth: Gauge<'kind'>;
  readonly heldBack: Counter<'kind'>;
}

function queueMetrics(metrics: Metrics): QueueMetrics {
  const registers = [metrics];
  return {
    results: new Counter({
      name: 'millrace_operator_reconcile_total',
      help: 'Passes by result.',
      labelNames: ['kind', 'result'],
      registers,
    }),
    seconds: new Histogram({
      name: 'millrace_operator_reconcile_seconds',
      help: 'How long passes take.',
      labelNames: ['kind'],
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
      registers,
    }),
    heldBack: new Counter({
      name: 'millrace_operator_retries_held_back_total',
      help: 'Retries that waited for longer than their back-off, since too many keys failed at once.',
      labelNames: ['kind'],
      registers,
    }),
    depth: new Gauge({
      name: 'millrace_operator_queue_depth',
      help: 'Keys that wait for a pass.',
      labelNames: ['kind'],
      registers,
    }),
  };
}

interface QueueTelemetry {
  readonly kind: string;
  readonly log: Log;
  readonly metrics: QueueMetrics;
}

function queueEvents({ kind, log, metrics }: QueueTelemetry): QueueEvents {
  return {
    queueDepth: (depth) => metrics.depth.set({ kind }, depth),
    retryHeldBack: ({ waitMs }) => {
      metrics.heldBack.inc({ kind });
      log.trace({ kind, waitMs: Math.round(waitMs) }, 'retry held back');
    },
    reconciled: ({ key, durationMs, failure, retryInMs }) => {
      metrics.seconds.observe({ kind }, durationMs / 1_000);
      metrics.results.inc({ kind, result: failure === undefined ? 'done' : 'failed' });
      const bindings = { kind, ...refOf(key), durationMs: Math.round(durationMs) };
      if (failure === undefined) log.trace(bindings, 'reconciled');
      // Losing a race against another writer is the ordinary way to learn of what it wrote.
      else if (failure instanceof KubeFailure && failure.reason === 'Conflict') {
        log.debug({ ...bindings, retryInMs }, 'object changed meanwhile, deciding anew');
      } else log.warn({ ...bindings, retryInMs, err: failure }, 'reconcile failed, trying again');
    },
  };
}
