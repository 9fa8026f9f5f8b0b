/**
 * The streams of a pipeline, as gateways make them and append to them; and workers of it, inside the
 * test's process, each with connections of its own.
 */
import { randomUUID } from 'node:crypto';
import { systemClock } from '@millrace/kit/clock';
import { createMetrics } from '@millrace/kit/metrics';
import type { Database } from '../src/connectors/postgres/database.ts';
import { openRedisLink, type RedisLink } from '../src/connectors/redis/link.ts';
import { leaseMsDefault } from '../src/increment-pipeline/ledger/partitions.ts';
import { itemBytes, keyBytes } from '../src/increment-pipeline/stream/entry.ts';
import {
  acceptedField,
  acceptedKey,
  streamKey,
  type StreamPlace,
} from '../src/increment-pipeline/stream/names.ts';
import { appendUse, readAppended } from '../src/increment-pipeline/stream/append-call.ts';
import { appendScript, makeStreamScript } from '../src/increment-pipeline/stream/scripts.ts';
import { incrementPipelineTelemetry } from '../src/increment-pipeline/telemetry.ts';
import { runWorker, type WorkerOptions } from '../src/increment-pipeline/worker/worker.ts';
import { given } from './backends.ts';
import { testLog, type PreparedPipeline } from './increment-worker.ts';
import { until } from './until.ts';

/** Increments as bytes; keys are given as UUIDs. */
export function itemsOf(
  ...increments: readonly (readonly [key: string, value: bigint | number])[]
): Buffer {
  const items = Buffer.alloc(increments.length * itemBytes);
  for (const [at, [key, value]] of increments.entries()) {
    items.write(key.replaceAll('-', ''), at * itemBytes, 'hex');
    items.writeBigUInt64BE(BigInt(value), at * itemBytes + keyBytes);
  }
  return items;
}

/** A key that is easy to read in a failure. */
export function keyOf(number: number): string {
  return `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
}

export interface RunningWorker {
  readonly member: string;
  /** Drains as SIGTERM does. */
  stop(): Promise<void>;
}

export interface IncrementStreams extends AsyncDisposable {
  readonly link: RedisLink;
  place(partition: number, incarnation?: number): StreamPlace;
  make(partition: number, incarnation?: number): Promise<void>;
  /** One entry of version 1; its id. */
  append(partition: number, items: Buffer): Promise<string>;
  /** An entry of any shape, counted as one increment. */
  appendRaw(partition: number, fields: readonly (string | Buffer)[]): Promise<string>;
  /** Another link, closed with the streams; by default to the server itself. */
  openLink(url?: string): RedisLink;
  startWorker(overrides?: Partial<WorkerOptions>): RunningWorker;
  /** Until everything appended is before the position of its partition. */
  drained(): Promise<void>;
}

export async function incrementStreams(pipeline: PreparedPipeline): Promise<IncrementStreams> {
  const { config, uid, owner } = pipeline;
  const links: RedisLink[] = [];
  const openLink = (url = given('redis').url): RedisLink => {
    const link = openRedisLink({
      url: () => url,
      commandTimeoutMs: 5_000,
      log: testLog,
    });
    links.push(link);
    return link;
  };
  const link = openLink();
  await until('Redis is connected', () => link.isReady());
  const place = (partition: number, incarnation = 1): StreamPlace => ({
    uid,
    partition,
    incarnation,
  });
  const make = async (partition: number, incarnation = 1): Promise<void> => {
    const keys = [streamKey(place(partition, incarnation))];
    await link.script('Making a stream', makeStreamScript, { keys, args: [] });
  };
  for (let partition = 0; partition < config.partitions; partition++) await make(partition);
  const last = new Map<number, string>();
  const stops: (() => Promise<void>)[] = [];

  return {
    link,
    place,
    make,
    append: async (partition, items) => {
      const appends = [{ key: streamKey(place(partition)), entries: [items] }];
      const use = appendUse(acceptedKey(uid), appends);
      const reply = await link.script('Appending', appendScript, use);
      const id = readAppended(reply, appends)?.[0]?.ids[0] ?? '';
      last.set(partition, id);
      return id;
    },
    appendRaw: async (partition, fields) => {
      const key = streamKey(place(partition));
      const id = String(await link.call('Appending', ['XADD', key, '*', ...fields]));
      const field = acceptedField(place(partition));
      await link.call('Counting', ['HINCRBY', acceptedKey(uid), field, 1]);
      last.set(partition, id);
      return id;
    },
    openLink,
    startWorker: (overrides) => {
      const worker = startWorker(pipeline, { link: openLink(), db: pipeline.open(), overrides });
      stops.push(() => worker.stop());
      return worker;
    },
    drained: async () => {
      await until('everything is committed', async () => {
        const { rows } = await owner.query<{ partition: number; last_id: string }>(
          'SELECT partition, last_id FROM millrace.increment_partitions WHERE pipeline = $1',
          [uid],
        );
        return rows.every(({ partition, last_id: id }) => (last.get(partition) ?? id) === id);
      });
    },
    [Symbol.asyncDispose]: async () => {
      for (const stop of stops) await stop();
      const keys = (await link.call('Listing', ['KEYS', `millrace:{${uid}}:*`])) as Buffer[];
      if (keys.length > 0) await link.call('Deleting', ['UNLINK', ...keys]);
      for (const opened of links) await opened[Symbol.asyncDispose]();
    },
  };
}

interface WorkerParts {
  readonly link: RedisLink;
  readonly db: Database;
  readonly overrides: Partial<WorkerOptions> | undefined;
}

function startWorker(
  { config }: PreparedPipeline,
  { link, db, overrides }: WorkerParts,
): RunningWorker {
  const stop = new AbortController();
  const member = randomUUID();
  const ended = runWorker(
    {
      config,
      db,
      link,
      clock: systemClock,
      telemetry: incrementPipelineTelemetry(testLog, createMetrics({})),
      leaseMs: leaseMsDefault,
      member,
      turnsMax: 4,
      ...overrides,
    },
    stop.signal,
  );
  // Its failure is that of `stop`, which every test ends with.
  ended.catch(() => undefined);
  return {
    member: overrides?.member ?? member,
    stop: async () => {
      stop.abort();
      await ended;
    },
  };
}
