/**
 * What an HTTP service counts and logs of each request. Routes are names that the service chose,
 * never paths: a path holds keys, which are personal data and without bound.
 */
import { Counter, Gauge, Histogram } from '@millrace/kit/metrics';
import type { Log } from '@millrace/kit/log';
import type { Metrics } from '@millrace/kit/metrics';

export interface AnsweredRequest {
  readonly route: string;
  /** Undefined where the answer did not reach its end. */
  readonly status: number | undefined;
  readonly durationMs: number;
}

export interface HttpTelemetry {
  requestAnswered(request: AnsweredRequest): void;
  /** Our bug, answered with 500. */
  requestFailed(error: unknown, log: Log): void;
  /** The client of a stream of events was too slow for it. */
  streamDropped(): void;
}

export interface InFlight {
  /** Requests that have no complete answer yet. */
  requests(): number;
  streams(): number;
}

/** By first digit of the status. */
const statusClasses = ['cut', '1xx', '2xx', '3xx', '4xx', '5xx'];

export function httpTelemetry(metrics: Metrics, inFlight: InFlight): HttpTelemetry {
  // Added up here and handed over when somebody looks: the counter costs more than all else of it.
  const counted = new Map<string, number[]>();
  void new Counter({
    name: 'millrace_http_requests_total',
    help: 'Requests, by route and class of status; cut is an answer that never reached its end.',
    labelNames: ['route', 'status'],
    registers: [metrics],
    collect() {
      for (const [route, counts] of counted) {
        for (const [index, status] of statusClasses.entries()) {
          const count = counts[index] ?? 0;
          if (count > 0) this.inc({ route, status }, count);
        }
        counts.fill(0);
      }
    },
  });
  const seconds = new Histogram({
    name: 'millrace_http_request_seconds',
    help: 'Seconds from the end of the headers to the end of the answer.',
    labelNames: ['route'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [metrics],
  });
  const timers = new Map<string, ReturnType<typeof seconds.labels>>();
  void new Gauge({
    name: 'millrace_http_requests_in_flight',
    help: 'Requests that have no complete answer yet.',
    registers: [metrics],
    collect() {
      this.set(inFlight.requests());
    },
  });
  void new Gauge({
    name: 'millrace_http_event_streams',
    help: 'Clients that listen to a stream of events.',
    registers: [metrics],
    collect() {
      this.set(inFlight.streams());
    },
  });
  const dropped = new Counter({
    name: 'millrace_http_event_streams_dropped_total',
    help: 'Clients that took nothing of their stream of events for too long.',
    registers: [metrics],
  });
  return {
    requestAnswered: ({ route, status, durationMs }) => {
      let counts = counted.get(route);
      if (counts === undefined) {
        counts = statusClasses.map(() => 0);
        counted.set(route, counts);
      }
      const index = Math.trunc((status ?? 0) / 100);
      counts[index] = (counts[index] ?? 0) + 1;
      let timer = timers.get(route);
      if (timer === undefined) {
        timer = seconds.labels({ route });
        timers.set(route, timer);
      }
      timer.observe(durationMs / 1000);
    },
    requestFailed: (error, log) => log.error({ err: error }, 'request failed by a fault'),
    streamDropped: () => dropped.inc(),
  };
}
