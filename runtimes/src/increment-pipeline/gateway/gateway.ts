/**
 * The gateway role: takes increments over HTTP, and serves their sums.
 *
 * Guarantees: 200 means durable as the pipeline asks; a request is appended at most once by us, and
 * one whose fate is unknown is answered so; every request is bounded in bytes, time and number.
 * SIGTERM fails no request: readiness goes off, answers ask clients to reconnect elsewhere, listening
 * ends after the news has spread, and what was taken is flushed before the connection to Redis ends.
 */
import type { IncrementPipelinePodConfig } from '@millrace/crds/increment-pipeline';
import type { Clock } from '@millrace/kit/clock';
import type { Readiness } from '@millrace/kit/health';
import type { Log } from '@millrace/kit/log';
import type { Metrics } from '@millrace/kit/metrics';
import type { Database } from '../../connectors/postgres/database.ts';
import { boundedReads } from '../../http/bounded-reads.ts';
import { startHttp, type HttpLimits } from '../../http/server.ts';
import type { Appender } from '../stream/appender.ts';
import type { IncrementTelemetry } from '../telemetry.ts';
import { createAdmission } from './admission.ts';
import { createCounts } from './counts.ts';
import { createFresh } from './fresh.ts';
import { watchHealth } from './health.ts';
import { createIncrements } from './increments.ts';
import { batchBytesMax } from './parse.ts';
import { createRoutes, methods } from './routes.ts';

export interface GatewayOptions {
  readonly config: IncrementPipelinePodConfig;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly telemetry: IncrementTelemetry;
  readonly clock: Clock;
  readonly database: Database;
  readonly appender: Appender;
  /** The list of tokens as it is now. */
  readonly tokens: () => string | undefined;
  readonly limits?: Partial<HttpLimits>;
  /** Default: two seconds, or a fifth of a short grace period. */
  readonly propagationMs?: number;
  /** Longest wait for one read. */
  readonly readDeadlineMs?: number;
}

export interface Gateway extends AsyncDisposable {
  readonly port: number;
  readiness(): Readiness;
  /** Serves until the signal aborts, then drains. */
  run(signal: AbortSignal): Promise<void>;
}

/** Connections of one gateway: sums are read in milliseconds, so eight serve thousands a second. */
export const gatewayConnectionsMax = 8;

/** Ten thousand clients, each with a request under way, and room for those who reconnect. */
const clientLimits = { connectionsMax: 16_384, inFlightMax: 12_288 } as const;
const readsMax = 128;
const readDeadlineDefaultMs = 5_000;
/** The time in which endpoint lists and proxies usually learn that a pod leaves. */
const propagationMs = 2_000;

export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { config, log, metrics, telemetry, clock, database, appender } = options;
  const deadlineMs = options.readDeadlineMs ?? readDeadlineDefaultMs;
  const { link } = appender;
  const admission = createAdmission({ config, link, tokens: options.tokens, clock });
  const health = watchHealth({
    config,
    reads: boundedReads({ database, clock, readsMax: 2, deadlineMs }),
    appender,
    tokensProblem: () => admission.problem(),
    clock,
    telemetry,
  });
  const http = await startHttp({
    ...config.bind.http,
    log,
    metrics,
    clock,
    methods,
    bodyBytesMax: batchBytesMax,
    handle: createRoutes({
      increments: createIncrements({ config, appender, admission }),
      counts: createCounts({
        config,
        reads: boundedReads({ database, clock, readsMax, deadlineMs }),
        fresh: createFresh({ config, database, link, clock, deadlineMs }),
        admission,
      }),
      refused: (code) => telemetry.requestRefused(code),
    }),
    limits: { ...clientLimits, ...options.limits },
  });
  let draining = false;
  return {
    port: http.port,
    readiness: () => ({ ...health.readiness(), ...(draining ? { ready: false } : {}) }),
    run: async (signal) => {
      // Increments are taken until the last request is answered, which is later than the signal.
      const appending = new AbortController();
      const appended = appender.run(appending.signal);
      await health.run(signal);
      draining = true;
      const spreadMs = options.propagationMs ?? Math.min(propagationMs, config.graceMs / 5);
      // A tenth of the grace period is kept for closing what is left.
      await http.drain({
        propagationMs: spreadMs,
        finishMs: Math.max(0, config.graceMs * 0.9 - spreadMs),
      });
      await appender.flushed();
      appending.abort();
      await appended;
      await health.leave();
      telemetry.drained();
    },
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  };
}
