/**
 * A running appender over a prepared pipeline, with what tests of it ask: items to append, and what
 * is in the streams in the end.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Failure } from '@millrace/kit/failure';
import type { IncrementPipelinePodConfig } from '@millrace/crds/increment-pipeline';
import type { Sql } from '../src/connectors/postgres/database.ts';
import { decodeEntry, itemBytes } from '../src/increment-pipeline/stream/entry.ts';
import { openAppender, type Appender } from '../src/increment-pipeline/stream/appender.ts';
import { readEntries } from '../src/increment-pipeline/stream/reader.ts';
import type { RedisCommands } from '../src/connectors/redis/link.ts';
import { readPartitions } from '../src/increment-pipeline/ledger/partitions.ts';
import { faultProxy, type FaultProxy } from './fault-proxy.ts';
import { preparedPipeline, testLog, type PreparedPipeline } from './increment-worker.ts';
import { privateRedis, type PrivateRedis, type RedisSettings } from './redis-server.ts';
import { until } from './until.ts';

export interface Began {
  readonly partition: number;
  readonly incarnation: number;
  readonly lost: number;
}

export interface RunningAppender extends AsyncDisposable {
  readonly appender: Appender;
  readonly began: readonly Began[];
  /** Groups that were answered, as numbers of requests. */
  readonly groups: readonly number[];
  readonly failures: readonly Failure[];
  /** Resolves when an append would be taken. */
  ready(): Promise<void>;
}

export interface AppenderSource {
  readonly config: IncrementPipelinePodConfig;
  readonly ledger: Sql;
  readonly url: () => string;
}

export function runningAppender({ config, ledger, url }: AppenderSource): RunningAppender {
  const stop = new AbortController();
  const began: Began[] = [];
  const groups: number[] = [];
  const failures: Failure[] = [];
  const appender = openAppender({
    config,
    ledger,
    redis: { url, log: testLog },
    telemetry: {
      appended: ({ requests }) => void groups.push(requests),
      appendFailed: (failure) => void failures.push(failure),
      requestRepeated: () => undefined,
      incarnationBegan: (it) => void began.push(it),
      durabilityChanged: () => undefined,
    },
  });
  const running = appender.run(stop.signal);
  return {
    appender,
    began,
    groups,
    failures,
    ready: async () => until('the appender is ready', () => appender.status().ready),
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await running;
      await appender[Symbol.asyncDispose]();
    },
  };
}

/** What the tests of a file share: each has a pipeline of its own in there. */
export interface AppenderHost extends AsyncDisposable {
  readonly redis: PrivateRedis;
  readonly database: PreparedPipeline;
}

export async function appenderHost(settings?: RedisSettings): Promise<AppenderHost> {
  await using stack = new AsyncDisposableStack();
  const redis = stack.use(await privateRedis(settings));
  const database = stack.use(await preparedPipeline());
  const all = stack.move();
  return { redis, database, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

export interface AppenderScene extends AsyncDisposable {
  readonly redis: PrivateRedis;
  /** Between the first appender and Redis. */
  readonly proxy: FaultProxy;
  readonly uid: string;
  readonly ledger: Sql;
  readonly it: RunningAppender;
  /** Another gateway of the pipeline, straight at Redis; ends with the scene. */
  another(ledger?: Sql): RunningAppender;
  /** Increments in the streams of now, once the first appender is ready. */
  stored(): Promise<number>;
}

export async function appenderScene(
  { redis, database }: AppenderHost,
  overrides: Partial<IncrementPipelinePodConfig> = {},
): Promise<AppenderScene> {
  await using stack = new AsyncDisposableStack();
  const uid = randomUUID();
  const config = {
    ...database.config,
    durability: 'Fsync' as const,
    streams: { maxBytes: 1 << 30 },
    ...overrides,
    resource: { ...database.config.resource, uid },
  };
  await database.prepare(config);
  const proxy = stack.use(await faultProxy(redis.url));
  const ledger = database.db;
  const it = stack.use(runningAppender({ config, ledger, url: () => proxy.url }));
  const all = stack.move();
  return {
    redis,
    proxy,
    uid,
    ledger,
    it,
    another: (itsLedger = ledger) =>
      all.use(runningAppender({ config, ledger: itsLedger, url: () => redis.url })),
    stored: async () => {
      await it.ready();
      return storedIncrements(it.appender.link, ledger, uid);
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** `ok`, or family and code of the failure. */
export async function outcome(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'ok',
    (error: Failure) => `${error.family} ${error.code}`,
  );
}

/** Increments by one, of random keys. */
export function randomItems(count: number): Buffer {
  const items = randomBytes(count * itemBytes);
  for (let at = 16; at < items.length; at += itemBytes) items.writeBigInt64BE(1n, at);
  return items;
}

/** Increments that are in the streams that the ledger names. */
export async function storedIncrements(
  commands: RedisCommands,
  ledger: Sql,
  uid: string,
): Promise<number> {
  let stored = 0;
  for (const { partition, incarnation } of await readPartitions(ledger, uid)) {
    const place = { uid, partition, incarnation };
    const bounds = { after: '0-0', entriesMax: 1_000_000, bytesMax: 1 << 30 };
    for (const entry of await readEntries(commands, { ...place, ...bounds })) {
      const decoded = decodeEntry(entry);
      if ('items' in decoded) stored += decoded.items.length / itemBytes;
    }
  }
  return stored;
}
