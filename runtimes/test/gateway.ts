/** A gateway over a private database, for service tests: its table is made by the SQL given. */
import { pino } from 'pino';
import { Client } from 'pg';
import { podConfig, type CsvImportPodConfig } from '@millrace/crds/csv-import';
import { systemClock } from '@millrace/kit/clock';
import { createMetrics, type Metrics } from '@millrace/kit/metrics';
import { Value } from 'typebox/value';
import { openDatabase } from '../src/connectors/postgres/database.ts';
import { openRedis, type RedisStore } from '../src/connectors/redis/store.ts';
import { databaseScope } from '../src/csv-import/cached-row.ts';
import {
  gatewayCommandTimeoutMs,
  startGateway,
  type Gateway,
  type GatewayOptions,
} from '../src/csv-import/gateway/gateway.ts';

export type ConfigChanges = {
  readonly [K in keyof CsvImportPodConfig]?: Partial<CsvImportPodConfig[K]>;
};

export function gatewayConfig(changes: ConfigChanges = {}): CsvImportPodConfig {
  const config: CsvImportPodConfig = {
    import: { uid: 'b7c1a8c0-0000-4000-8000-000000000000', namespace: 'default', name: 'people' },
    source: { volume: { mountPath: '/var/lib/millrace/source', path: 'people.csv' } },
    format: {},
    target: {
      table: 'people',
      key: ['id'],
      onConflict: 'LatestWins',
      adopt: false,
      ...changes.target,
    },
    rejects: { maxRows: 1000, maxPercent: 100 },
    cache: { mode: 'Off', ttlMs: 120_000, ...changes.cache },
    serve: { enabled: true, filters: [], ...changes.serve },
    chunkBytes: 16_777_216,
    maxRecordBytes: 16_777_216,
    bind: { admin: { host: '127.0.0.1', port: 0 }, http: { host: '127.0.0.1', port: 0 } },
    backendsDir: '/etc/millrace/backends',
    terminationLog: '/dev/termination-log',
    graceMs: 10_000,
    logLevel: 'error',
  };
  Value.Assert(podConfig, config);
  return config;
}

export interface TestGateway extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly metrics: Metrics;
  readonly redis: RedisStore | undefined;
  readonly url: string;
  /** Status, envelope and text of the answer to a path. */
  get(path: string, headers?: Record<string, string>): Promise<TestAnswer>;
}

export interface TestAnswer {
  readonly status: number;
  readonly type: string | null;
  readonly text: string;
  /** WWW-Authenticate of a 401. */
  readonly challenge: string | null;
  /** `error.code`, undefined on success. */
  readonly code: string | undefined;
  readonly data: unknown;
  readonly next: string | null;
}

export interface TestGatewayOptions {
  readonly config: CsvImportPodConfig;
  readonly postgresUrl: string;
  readonly redisUrl?: string;
  readonly propagationMs?: number;
  readonly readDeadlineMs?: number;
  readonly streamAgeMs?: number;
  readonly tokens?: GatewayOptions['tokens'];
  readonly limits?: GatewayOptions['limits'];
  readonly keys?: GatewayOptions['keys'];
  /** Takes the log's lines. */
  readonly logged?: (line: string) => void;
}

export async function testGateway(options: TestGatewayOptions): Promise<TestGateway> {
  const { logged } = options;
  const log =
    logged === undefined ? pino({ level: 'silent' }) : pino({ level: 'trace' }, { write: logged });
  const metrics = createMetrics({});
  const database = openDatabase({
    url: () => options.postgresUrl,
    applicationName: 'gateway',
    max: 4,
    log,
  });
  const redis =
    options.redisUrl === undefined
      ? undefined
      : openRedis({
          url: () => options.redisUrl ?? '',
          commandTimeoutMs: gatewayCommandTimeoutMs,
          log,
        });
  const { propagationMs, readDeadlineMs, streamAgeMs, tokens, limits, keys } = options;
  const gateway = await startGateway({
    config: options.config,
    log,
    metrics,
    clock: systemClock,
    database,
    redis,
    databaseScope: databaseScope(options.postgresUrl),
    propagationMs: propagationMs ?? 0,
    ...(readDeadlineMs === undefined ? {} : { readDeadlineMs }),
    ...(streamAgeMs === undefined ? {} : { streamAgeMs }),
    ...(tokens === undefined ? {} : { tokens }),
    ...(limits === undefined ? {} : { limits }),
    ...(keys === undefined ? {} : { keys }),
  });
  const stop = new AbortController();
  const running = gateway.run(stop.signal);
  const url = `http://127.0.0.1:${gateway.port}`;
  return {
    gateway,
    metrics,
    redis,
    url,
    get: (path, headers = {}) => answerOf(fetch(`${url}${path}`, { headers })),
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await running;
      await redis?.[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

async function answerOf(fetched: Promise<Response>): Promise<TestAnswer> {
  const response = await fetched;
  const text = await response.text();
  const body = JSON.parse(text) as {
    data?: unknown;
    next?: string | null;
    error?: { code: string };
  };
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    text,
    challenge: response.headers.get('www-authenticate'),
    code: body.error?.code,
    data: body.data,
    next: body.next ?? null,
  };
}

/** Runs statements as the owner and lets the working role read what they made. */
export async function asOwner(ownerUrl: string, ...statements: readonly string[]): Promise<void> {
  const client = new Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
    await client.query('GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC');
  } finally {
    await client.end();
  }
}
