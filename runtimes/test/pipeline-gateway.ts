/**
 * A gateway of IncrementPipeline over a prepared pipeline, inside the test's process: real HTTP, real
 * Redis, real Postgres. Its URLs may lead through fault proxies.
 */
import type {
  IncrementPipelinePodConfig,
  IncrementPipelineProgress,
} from '@millrace/crds/increment-pipeline';
import { systemClock } from '@millrace/kit/clock';
import { createMetrics, type Metrics } from '@millrace/kit/metrics';
import type { Database } from '../src/connectors/postgres/database.ts';
import {
  startGateway,
  type Gateway,
  type GatewayOptions,
} from '../src/increment-pipeline/gateway/gateway.ts';
import { createLook } from '../src/increment-pipeline/look/look.ts';
import { openAppender, type Appender } from '../src/increment-pipeline/stream/appender.ts';
import { incrementPipelineTelemetry } from '../src/increment-pipeline/telemetry.ts';
import { given } from './backends.ts';
import { incrementConfig, testLog, type PreparedPipeline } from './increment-worker.ts';
import { until } from './until.ts';

/** A drain waits for connections that are open and idle; those of tests are nobody's. */
const graceMs = 100;

/**
 * Another pipeline, with a table of its own, in the database of the first: a database for each test
 * would take longer than the test.
 */
export async function anotherPipeline(
  host: PreparedPipeline,
  overrides: Partial<IncrementPipelinePodConfig> = {},
): Promise<PreparedPipeline> {
  const fresh = incrementConfig();
  const { uid } = fresh.resource;
  const table = `increments_${uid.slice(0, 8)}`;
  const config = { ...fresh, target: { table }, graceMs, ...overrides };
  await host.prepare(config);
  return {
    ...host,
    config,
    uid,
    sums: async () => {
      const { rows } = await host.owner.query<{ key: string; value: string }>(
        `SELECT key, value FROM "${table}"`,
      );
      return new Map(rows.map(({ key, value }) => [key, BigInt(value)]));
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

export interface PipelineGatewayOptions {
  readonly redisUrl?: string;
  readonly postgresUrl?: string;
  readonly tokens?: () => string | undefined;
  readonly limits?: GatewayOptions['limits'];
  readonly propagationMs?: number;
  readonly readDeadlineMs?: number;
  /** Stays away until the test has done something about it. */
  readonly isUnready?: boolean;
}

export interface PipelineAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** `error.code`, undefined on success. */
  readonly code: string | undefined;
  readonly message: string | undefined;
  readonly data: unknown;
  readonly next: string | null | undefined;
}

export interface PipelineGateway extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly appender: Appender;
  readonly metrics: Metrics;
  readonly url: string;
  request(path: string, init?: RequestInit): Promise<PipelineAnswer>;
  get(path: string): Promise<PipelineAnswer>;
  post(
    path: string,
    body: string | object,
    headers?: Readonly<Record<string, string>>,
  ): Promise<PipelineAnswer>;
  progress(): Promise<IncrementPipelineProgress>;
  /** Drains as SIGTERM does. */
  stop(): Promise<void>;
}

export async function pipelineGateway(
  pipeline: PreparedPipeline,
  options: PipelineGatewayOptions = {},
): Promise<PipelineGateway> {
  const { config } = pipeline;
  const metrics = createMetrics({});
  const telemetry = incrementPipelineTelemetry(testLog, metrics);
  const database: Database = pipeline.open(options.postgresUrl);
  const redisUrl = options.redisUrl ?? given('redis').url;
  const appender = openAppender({
    config,
    redis: { url: () => redisUrl, log: testLog },
    ledger: database,
    telemetry,
  });
  const { limits, readDeadlineMs } = options;
  const gateway = await startGateway({
    config,
    log: testLog,
    metrics,
    telemetry,
    clock: systemClock,
    database,
    appender,
    tokens: options.tokens ?? (() => undefined),
    propagationMs: options.propagationMs ?? 0,
    ...(limits === undefined ? {} : { limits }),
    ...(readDeadlineMs === undefined ? {} : { readDeadlineMs }),
  });
  const look = createLook({
    config,
    database,
    link: appender.link,
    appender,
    clock: systemClock,
    looked: (progress) => telemetry.looked(progress),
  });
  const stopping = new AbortController();
  const running = gateway.run(stopping.signal);
  const stop = async (): Promise<void> => {
    stopping.abort();
    await running;
  };
  if (options.isUnready !== true) {
    await until('the gateway takes increments', () => appender.status().ready);
  }
  const url = `http://127.0.0.1:${gateway.port}`;
  const request = async (path: string, init?: RequestInit) =>
    answerOf(await fetch(`${url}${path}`, init));
  return {
    gateway,
    appender,
    metrics,
    url,
    request,
    get: (path) => request(path),
    post: (path, body, headers = {}) =>
      request(path, {
        method: 'POST',
        body: typeof body === 'string' ? body : JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...headers },
      }),
    progress: () => look.progress(),
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
      await gateway[Symbol.asyncDispose]();
      await appender[Symbol.asyncDispose]();
    },
  };
}

async function answerOf(response: Response): Promise<PipelineAnswer> {
  const text = await response.text();
  const body = (text === '' ? {} : JSON.parse(text)) as {
    data?: unknown;
    next?: string | null;
    error?: { code: string; message: string };
  };
  return {
    status: response.status,
    headers: response.headers,
    text,
    code: body.error?.code,
    message: body.error?.message,
    data: body.data,
    next: body.next,
  };
}
