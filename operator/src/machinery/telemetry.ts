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
  watchStarted(type: string, staleMs: () => number): void;
  watchRestarted(event: { readonly type: string; readonly reason: string }): void;
  polled(event: { readonly kind: string; readonly result: PollResult }): void;
  eventNotWritten(failure: unknown): void;
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
  const queues = queueMetrics(metrics);
  return {
    queueEvents: (kind) => queueEvents({ kind, log, metrics: queues }),
    watchStarted: (type, staleMs) => stale.set(type, [...(stale.get(type) ?? []), staleMs]),
    watchRestarted: ({ type, reason }) => {
      watchRestarts.inc({ type, reason });
      log.warn({ type, reason }, 'watch failed, resuming');
    },
    polled: ({ kind, result }) => {
      polls.inc({ kind, result });
      log.trace({ kind, result }, 'progress polled');
    },
    eventNotWritten: (failure) => log.debug({ err: failure }, 'event not written'),
  };
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
