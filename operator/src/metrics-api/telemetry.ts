/**
 * What the metrics API says about itself; each function logs and counts together. Labels are bounded:
 * routes, codes, types and reasons, never names, users or addresses. A failure that every request
 * brings is logged once a minute.
 */
import type { Clock } from '@millrace/kit/clock';
import type { Log } from '@millrace/kit/log';
import { Counter, Gauge, Histogram, type Metrics } from '@millrace/kit/metrics';
import type { Registration } from './api-service.ts';
import type { Answered } from './api/metrics-api.ts';

export interface MetricsApiTelemetry {
  answered(event: {
    readonly route: Answered['route'];
    readonly code: number;
    readonly durationMs: number;
  }): void;
  requestFailed(failure: unknown): void;
  watchRestarted(event: { readonly type: string; readonly reason: string }): void;
  certificateServed(event: { readonly until: Date }): void;
  certificatesFailed(failure: unknown): void;
  registered(registration: Registration): void;
  registrationFailed(failure: unknown): void;
  trustChanged(event: { readonly isTrusted: boolean }): void;
}

export interface TelemetryOptions {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** By type; read when somebody asks for the metrics. */
  readonly staleMs: () => ReadonlyMap<string, number>;
}

const quietMs = 60_000;

export function createTelemetry(options: TelemetryOptions): MetricsApiTelemetry {
  const { log, metrics, clock } = options;
  const registers = [metrics];
  const answers = requestMetrics(metrics);
  const restarts = new Counter({
    name: 'millrace_metrics_api_watch_restarts_total',
    help: 'Watches begun again after a failure.',
    labelNames: ['type', 'reason'],
    registers,
  });
  const expiry = new Gauge({
    name: 'millrace_metrics_api_certificate_expiry_timestamp_seconds',
    help: 'When the certificate that is served runs out.',
    registers,
  });
  const isRegistered = new Gauge({
    name: 'millrace_metrics_api_registered',
    help: '1 while the APIService of external metrics is ours, 0 while it is not or somebody else’s.',
    registers,
  });
  staleness(options);
  let requestSaidAt = Number.NEGATIVE_INFINITY;
  let registrationSaid = '';
  return {
    answered: ({ route, code, durationMs }) => {
      answers.total.inc({ route, code: String(code) });
      answers.seconds.observe({ route }, durationMs / 1_000);
      log.trace({ route, code, durationMs }, 'answered');
    },
    requestFailed: (failure) => {
      answers.failures.inc();
      if (clock.monotonic() - requestSaidAt < quietMs) return;
      requestSaidAt = clock.monotonic();
      log.warn({ err: failure }, 'request could not be judged');
    },
    watchRestarted: ({ type, reason }) => {
      restarts.inc({ type, reason });
      log.warn({ type, reason }, 'watch failed, resuming');
    },
    certificateServed: ({ until }) => {
      expiry.set(until.getTime() / 1_000);
      log.info({ until: until.toISOString() }, 'certificate served');
    },
    certificatesFailed: (failure) => log.error({ err: failure }, 'certificates not kept'),
    registered: (registration) => {
      isRegistered.set(registration.state === 'registered' ? 1 : 0);
      const said = JSON.stringify(registration);
      if (said === registrationSaid) return;
      registrationSaid = said;
      const level = registration.state === 'taken' ? 'warn' : 'info';
      log[level]({ ...registration }, 'registration of external metrics');
    },
    registrationFailed: (failure) => {
      isRegistered.set(0);
      log.error({ err: failure }, 'APIService not kept');
    },
    trustChanged: ({ isTrusted }) => log.info({ isTrusted }, 'authorities of the front proxy read'),
  };
}

function requestMetrics(metrics: Metrics) {
  const registers = [metrics];
  const total = new Counter({
    name: 'millrace_metrics_api_requests_total',
    help: 'Requests answered, by what they were for and the HTTP code.',
    labelNames: ['route', 'code'],
    registers,
  });
  const seconds = new Histogram({
    name: 'millrace_metrics_api_request_seconds',
    help: 'How long answers take, with the questions to the API server.',
    labelNames: ['route'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2, 6],
    registers,
  });
  const failures = new Counter({
    name: 'millrace_metrics_api_request_failures_total',
    help: 'Requests that could not be judged, because the API server was away or by a bug.',
    registers,
  });
  return { total, seconds, failures };
}

function staleness({ metrics, staleMs }: TelemetryOptions): void {
  new Gauge({
    name: 'millrace_metrics_api_watch_stale_seconds',
    help: 'How long what is known of a type may have been out of date.',
    labelNames: ['type'],
    registers: [metrics],
    collect() {
      for (const [type, ms] of staleMs()) this.set({ type }, ms / 1_000);
    },
  });
}
