/**
 * One import with everything it needs: a private database with the ledger, a queue named after its
 * own uid, and a folder with its file. Coordinators and workers run inside the test's process, each
 * with connections of its own.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { systemClock } from '@millrace/kit/clock';
import { createLog } from '@millrace/kit/log';
import { createMetrics } from '@millrace/kit/metrics';
import { openDatabase, type Database } from '../src/connectors/postgres/database.ts';
import { migrateUp } from '../src/connectors/postgres/migrate.ts';
import { AmqpLink } from '../src/connectors/rabbitmq/link.ts';
import { Publisher } from '../src/connectors/rabbitmq/publisher.ts';
import { Coordinator, type CoordinatorOutcome } from '../src/csv-import/coordinator/coordinator.ts';
import { ledgerMigrations } from '../src/csv-import/migrations.ts';
import { queueName } from '../src/csv-import/messages.ts';
import type { Sink } from '../src/csv-import/load/sink-port.ts';
import { createSink } from '../src/csv-import/load/sink.ts';
import type { KeyRingReader } from '../src/sealing/key-ring.ts';
import { importTelemetry } from '../src/csv-import/telemetry.ts';
import type { Pace } from '../src/csv-import/worker/pace.ts';
import { runWorker } from '../src/csv-import/worker/worker.ts';
import { deadLetterName } from '../src/connectors/rabbitmq/queue.ts';
import { brokerUrl } from './backends.ts';
import { database, type TestDatabase } from './database.ts';
import { plainSink, type PlainSinkOptions } from './plain-sink.ts';
import { podConfig } from './pod-config.ts';
import { sourceOf } from './prepared-import.ts';
import { until } from './until.ts';

const log = createLog({
  level: process.env['TEST_LOG_LEVEL'] ?? 'silent',
  bindings: {},
  fd: 2,
});

export interface FlowOptions {
  readonly content: string | Buffer;
  readonly config?: Partial<CsvImportPodConfig>;
  readonly brokerUrl?: () => string;
  readonly postgresUrl?: (db: TestDatabase) => string;
  readonly afterLoad?: PlainSinkOptions['afterLoad'];
  /** The product's own sink instead of the plain one; it decides columns by the header. */
  readonly realSink?: true;
  /** For the real sink, where a column is sealed. */
  readonly keys?: KeyRingReader;
  /** A database shared by several imports; its owner disposes it. */
  readonly shared?: TestDatabase;
  readonly table?: string;
  readonly staleAfterMs?: number;
  /** Stands between the coordinator and the broker. */
  readonly publisher?: (real: Publisher) => Pick<Publisher, 'send'>;
  /** The coordinator's own. */
  readonly bump?: () => Promise<void>;
}

export interface RunningCoordinator {
  readonly coordinator: Coordinator;
  readonly outcome: Promise<CoordinatorOutcome>;
  /** Drains as SIGTERM does. */
  stop(): Promise<CoordinatorOutcome>;
}

export interface WorkerHooks {
  readonly bump?: () => Promise<void>;
  readonly sink?: Sink;
  readonly pace?: Pace;
}

export interface ImportFlow extends AsyncDisposable {
  readonly uid: string;
  readonly queue: string;
  readonly config: CsvImportPodConfig;
  readonly table: string;
  readonly file: string;
  readonly server: TestDatabase;
  /** As the owner, for assertions and sabotage. */
  readonly db: Database;
  /** As the role that coordinators and workers have, which may end their sessions. */
  openAsWorkingRole(): Database;
  readonly link: AmqpLink;
  readonly sink: Sink;
  startCoordinator(config?: Partial<CsvImportPodConfig>): Promise<RunningCoordinator>;
  startWorker(hooks?: WorkerHooks): { stop(): Promise<void> };
  /** Coordinator and two workers to the end. */
  run(): Promise<RunningCoordinator>;
  rows(): Promise<{ id: string; value: string; pos: string }[]>;
}

export async function importFlow(options: FlowOptions): Promise<ImportFlow> {
  const server = options.shared ?? (await database());
  const folder = await mkdtemp(join(tmpdir(), 'millrace-flow-'));
  const file = join(folder, 'data.csv');
  await writeFile(file, options.content);
  const uid = randomUUID();
  const table = options.table ?? 'things';
  const config = podConfig({ uid, folder, table, overrides: options.config ?? {} });
  const broker = options.brokerUrl ?? brokerUrl;
  const appUrl = (): string => options.postgresUrl?.(server) ?? server.appUrl;
  const open = (name: string, max: number): Database =>
    openDatabase({ url: appUrl, applicationName: name, max, log });
  const owner = openDatabase({ url: () => server.ownerUrl, applicationName: 'test', max: 3, log });
  const link = new AmqpLink({ url: brokerUrl, name: 'test', clock: systemClock, log });
  const appRole = decodeURIComponent(new URL(server.appUrl).username);
  const plain = plainSink({
    ownerDb: owner,
    table,
    appRole,
    ...(options.afterLoad === undefined ? {} : { afterLoad: options.afterLoad }),
  });
  const sink = options.realSink
    ? createSink({
        config,
        owner,
        workingRole: appRole,
        ...(options.keys === undefined ? {} : { keys: options.keys }),
      })
    : plain;
  const telemetry = importTelemetry(log, createMetrics({}));
  const migrate = async (): Promise<void> => {
    const url = server.ownerUrl;
    const source = ledgerMigrations;
    await migrateUp(
      { url, source, clock: systemClock, deadlineMs: 20_000 },
      { workingUrl: server.appUrl },
    );
  };
  const running = new Set<() => Promise<unknown>>();
  const base = { clock: systemClock, telemetry, sink, source: sourceOf(config) };

  const flow: ImportFlow = {
    uid,
    queue: queueName(uid, 1),
    config,
    table,
    file,
    server,
    db: owner,
    openAsWorkingRole: () => open('test', 1),
    link,
    sink,
    startCoordinator: async (overrides = {}) => {
      const db = open('coordinator', 4);
      const ownLink = new AmqpLink({ url: broker, name: 'coordinator', clock: systemClock, log });
      const publisher = await Publisher.open(ownLink);
      const stop = new AbortController();
      const coordinator = new Coordinator({
        ...base,
        db,
        publisher: options.publisher?.(publisher) ?? publisher,
        migrate,
        link: ownLink,
        name: 'coordinator',
        config: { ...config, ...overrides },
        ...(options.staleAfterMs === undefined ? {} : { staleAfterMs: options.staleAfterMs }),
        ...(options.bump === undefined ? {} : { bump: options.bump }),
      });
      const outcome = closing(coordinator.run(stop.signal), [db, ownLink]);
      outcome.catch(() => undefined);
      const end = async (): Promise<CoordinatorOutcome> => {
        stop.abort();
        return await outcome;
      };
      running.add(() => end().catch(() => undefined));
      return { coordinator, outcome, stop: end };
    },
    startWorker: (hooks = {}) => {
      const db = open('worker', 2);
      const ownLink = new AmqpLink({ url: broker, name: 'worker', clock: systemClock, log });
      const stop = new AbortController();
      const options = { ...base, config, db, link: ownLink, name: 'worker', bump: hooks.bump };
      const workerOptions = {
        ...options,
        ...(hooks.sink === undefined ? {} : { sink: hooks.sink }),
        ...(hooks.pace === undefined ? {} : { pace: hooks.pace }),
      };
      const done = closing(runWorker(workerOptions, stop.signal), [db, ownLink]);
      done.catch(() => undefined);
      const end = async (): Promise<void> => {
        stop.abort();
        await done;
      };
      running.add(() => end().catch(() => undefined));
      return { stop: end };
    },
    run: async () => {
      const workers = [flow.startWorker(), flow.startWorker()];
      const coordinator = await flow.startCoordinator();
      await coordinator.outcome;
      await Promise.all(workers.map((worker) => worker.stop()));
      return coordinator;
    },
    rows: async () => {
      const { rows } = await owner.query<{ id: string; value: string; pos: string }>(
        `SELECT id, value, _millrace_pos AS pos FROM ${table} ORDER BY id`,
      );
      return rows;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...running].map((stop) => stop()));
      await removeQueues(link, queueName(uid, 1));
      await link[Symbol.asyncDispose]();
      await owner[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
      if (options.shared === undefined) await server[Symbol.asyncDispose]();
    },
  };
  return flow;
}

async function closing<T>(work: Promise<T>, resources: readonly AsyncDisposable[]): Promise<T> {
  try {
    return await work;
  } finally {
    for (const resource of resources) await resource[Symbol.asyncDispose]();
  }
}

async function removeQueues(link: AmqpLink, queue: string): Promise<void> {
  await until('the test link is connected', () => link.state.ok);
  await link.ask('Cleaning up', async (channel) => {
    await channel.deleteQueue(queue);
    await channel.deleteQueue(deadLetterName(queue));
  });
}
