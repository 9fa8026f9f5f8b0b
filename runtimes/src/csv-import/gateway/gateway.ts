/**
 * The gateway role: serves the target table over HTTP while it is loaded and afterwards.
 *
 * Guarantees: reads only, every read bounded in time and number; a row that was committed before its
 * chunk was acknowledged is seen by every later read, cached or not; SIGTERM fails no request:
 * readiness goes off, answers ask clients to reconnect elsewhere, listening ends after the news has
 * spread. Reads go to the primary alone: a replica that lags would refill the cache with old rows.
 */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import type { Clock } from '@millrace/kit/clock';
import type { Readiness } from '@millrace/kit/health';
import type { Log } from '@millrace/kit/log';
import type { Metrics } from '@millrace/kit/metrics';
import type { Database } from '../../connectors/postgres/database.ts';
import type { RedisStore } from '../../connectors/redis/store.ts';
import { startHttp, type Handle, type HttpLimits } from '../../http/server.ts';
import type { KeyRingReader } from '../../sealing/key-ring.ts';
import { openRowCache, type RowCache } from '../cache.ts';
import { createAdmission, type Admission } from './admission.ts';
import { createAnswers, type Answers } from './answers.ts';
import { createEvents } from '../events/events.ts';
import { openPage, type AnswerPage } from '../page/page.ts';
import { openWarmCache } from '../warm/warm-cache.ts';
import { watchHealth } from './health.ts';
import { boundedReads } from '../../http/bounded-reads.ts';
import { sealedColumns } from './sealed.ts';
import { gatewayTelemetry, type GatewayTelemetry } from './telemetry.ts';

export interface GatewayOptions {
  readonly config: CsvImportPodConfig;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly database: Database;
  /** Needed for the cache modes Invalidate and Warm, and where requests are counted. */
  readonly redis: RedisStore | undefined;
  /** Names the database without its credentials; see databaseScope(). */
  readonly databaseScope: string;
  /** The list of bearer tokens as it is now; needed where the config asks for tokens. */
  readonly tokens?: () => string | undefined;
  /** Needed where a column is sealed. */
  readonly keys?: KeyRingReader;
  readonly limits?: Partial<HttpLimits>;
  /** Default: two seconds, or a fifth of a short grace period. */
  readonly propagationMs?: number;
  /** Longest wait for one read of Postgres. */
  readonly readDeadlineMs?: number;
  /** Default: 15 minutes; without effect where no token is asked for. */
  readonly streamAgeMs?: number;
}

export interface Gateway extends AsyncDisposable {
  readonly port: number;
  readiness(): Readiness;
  /** Serves until the signal aborts, then drains. */
  run(signal: AbortSignal): Promise<void>;
}

/** Connections of one gateway; pages are read in milliseconds, so eight serve thousands a second. */
export const gatewayConnectionsMax = 8;
/** Commands of a gateway to Redis: beyond this Postgres has answered. */
export const gatewayCommandTimeoutMs = 250;

/** Running and waiting reads: at 20 ms each and eight at a time, the last of them waits 0.3 s. */
const readsMax = 128;
const readDeadlineMs = 5_000;
/** One a stream, most of which wait for their turn. */
const streamReadsMax = 1_024;
/**
 * A stream is identified when it begins. At this age it ends and its client comes back with its last id,
 * which costs both little; a token that was removed meanwhile is refused then.
 */
const identifiedMs = 15 * 60_000;
/** The time in which endpoint lists and proxies usually learn that a pod leaves. */
const propagationMs = 2_000;

export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { config, log, metrics, clock, database, redis, databaseScope } = options;
  const telemetry = gatewayTelemetry(log, metrics);
  const deadlineMs = options.readDeadlineMs ?? readDeadlineMs;
  const reads = boundedReads({ database, clock, readsMax, deadlineMs });
  const cache = redis === undefined ? undefined : rowCache(config, redis, telemetry);
  const admission = createAdmission(options);
  const health = watchHealth({
    config,
    // A bound of its own: a gateway that is busy is not one whose Postgres is away.
    reads: boundedReads({ database, clock, readsMax: 2, deadlineMs }),
    cache,
    counter: admission.counter,
    clock,
    dependencyChanged: telemetry.dependencyChanged,
  });
  // Before listening, so that the first request already knows the table.
  await health.probe();
  const page = await openPage(config.target.table);
  const events = createEvents({
    config,
    health,
    clock,
    databaseScope,
    // Bounded by the streams' own turns, and apart from what requests may ask for.
    reads: boundedReads({ database, clock, readsMax: streamReadsMax, deadlineMs }),
  });
  const sealed = options.keys === undefined ? undefined : sealedColumns(config, options.keys);
  const answers = createAnswers({
    config,
    reads,
    cache,
    health,
    databaseScope,
    events,
    sealed,
    countKey: admission.key,
  });
  const http = await startHttp({
    ...config.bind.http,
    log,
    metrics,
    clock,
    handle: handleWith({ page, admission, answers }),
    limits: httpLimits(options),
  });
  let draining = false;
  return {
    port: http.port,
    readiness: () => {
      const { ready, dependencies } = health.readiness();
      const problem = admission.problem();
      const tokens = problem === undefined ? {} : { tokens: { ok: false, reason: problem } };
      return { ready: ready && !draining, dependencies: { ...dependencies, ...tokens } };
    },
    run: async (signal) => {
      await health.run(signal);
      draining = true;
      const spreadMs = options.propagationMs ?? Math.min(propagationMs, config.graceMs / 5);
      // A tenth of the grace period is kept for closing what is left.
      await http.drain({
        propagationMs: spreadMs,
        finishMs: Math.max(0, config.graceMs * 0.9 - spreadMs),
      });
      telemetry.drained();
    },
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  };
}

interface Handling {
  readonly page: AnswerPage;
  readonly admission: Admission;
  readonly answers: Answers;
}

function handleWith({ page, admission, answers }: Handling): Handle {
  return async (request) => {
    const pageReply = page(request);
    if (pageReply !== undefined) return pageReply;
    const caller = await admission.caller(request);
    return await answers(request, { mayReveal: caller?.scopes.has('reveal') === true });
  };
}

function httpLimits({
  config,
  limits,
  streamAgeMs = identifiedMs,
}: GatewayOptions): Partial<HttpLimits> {
  const hasTokens = (config.serve.auth?.mode ?? 'None') !== 'None';
  return { ...(hasTokens ? { streamAgeMs } : {}), ...limits };
}

function rowCache(
  config: CsvImportPodConfig,
  redis: RedisStore,
  telemetry: GatewayTelemetry,
): RowCache | undefined {
  const { mode, ttlMs } = config.cache;
  const observed = telemetry.cacheRead;
  if (mode === 'Off') return undefined;
  return mode === 'Warm'
    ? openWarmCache({ config, redis, observed })
    : openRowCache({ redis, table: config.target.table, ttlMs, observed });
}
