/**
 * The two tables of the flush comparison, alike in everything, and the worker's sink on one of them:
 * the functions that a worker calls, on a ledger prepared as its pods prepare it.
 */
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { systemClock } from '@millrace/kit/clock';
import { createLog } from '@millrace/kit/log';
import { openDatabase, type Database } from '@millrace/runtimes/connectors/postgres/database';
import {
  claimPartitions,
  type PartitionRow,
} from '@millrace/runtimes/increment-pipeline/ledger/partitions';
import { preparePipeline } from '@millrace/runtimes/increment-pipeline/setup/prepare';
import { takeBatch } from '@millrace/runtimes/increment-pipeline/worker/batch';
import { commitBatch } from '@millrace/runtimes/increment-pipeline/worker/flush';
import type { Bench } from './bench.ts';
import { itemBytes } from './items.ts';
import { pipelineConfig } from './pipeline-config.ts';
import { upserts, type Upsert } from './upserts.ts';

const itemsVersion = '1';
const partition = 0;
const minuteMs = 60_000;
const keysMax = 5_000;
/** What gateways appended in the second before a flush is several entries. */
const entriesOfBatch = 4;

export interface FlushTables extends AsyncDisposable {
  readonly byHand: string;
  /** Both empty, as after their creation. */
  reset(): Promise<void>;
  /** Both hold the items that they were opened with, vacuumed and analysed. */
  hold(): Promise<void>;
  connect(upsert: Upsert): Promise<AsyncDisposable & { readonly client: Client }>;
  /** Takes the partition over, as a worker does that has just started. */
  openSink(): Promise<Sink>;
  /** Throws when they differ: a faster flush of other sums would be no comparison. */
  requireEqual(): Promise<void>;
}

export interface Sink {
  commit(items: Buffer): Promise<void>;
}

export async function openFlushTables({ postgres }: Bench, held: Buffer): Promise<FlushTables> {
  const url = postgres.extra.ownerUrl ?? postgres.url;
  const superuserUrl = postgres.extra.superuserUrl ?? url;
  const log = createLog({ level: 'error', bindings: {}, fd: 2 });
  const database = openDatabase({ url: () => url, applicationName: 'bench', max: 2, log });
  const [uid, ours, byHand] = [randomUUID(), 'increments_flush', 'by_hand'];
  await prepare(database, { url, uid, table: ours });
  await database.query(`DROP TABLE IF EXISTS ${byHand}`);
  await database.query(
    `CREATE TABLE ${byHand} (LIKE ${ours} INCLUDING ALL) WITH (fillfactor = ${await fillFactor(database, ours)})`,
  );
  const tables = [ours, byHand] as const;
  const connect: FlushTables['connect'] = async (upsert) => {
    const client = new Client({ connectionString: url });
    await client.connect();
    await upsert.prepare?.(client);
    return { client, [Symbol.asyncDispose]: () => client.end() };
  };
  return {
    byHand,
    reset: async () => {
      await database.query(`TRUNCATE ${tables.join()}`);
      await checkpoint(superuserUrl);
    },
    hold: async () => {
      const [upsert] = upserts;
      if (upsert === undefined) return;
      await using connection = await connect(upsert);
      for (const table of tables) {
        await upsert.add(connection.client, table, held);
        await connection.client.query(`VACUUM (ANALYZE) ${table}`);
      }
      await checkpoint(superuserUrl);
    },
    connect,
    openSink: () => openSink(database, { uid, table: ours }),
    requireEqual: async () => {
      const prints = await Promise.all(tables.map((table) => fingerprint(database, table)));
      if (prints[0] !== prints[1]) throw new Error('the sink and the upsert left different sums');
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

interface Place {
  readonly uid: string;
  readonly table: string;
}

async function prepare(
  owner: Database,
  { url, uid, table }: Place & { url: string },
): Promise<void> {
  await preparePipeline({
    config: pipelineConfig({ uid, table, backendsDir: '', ports: { admin: 0, http: 0 } }),
    ownerUrl: url,
    owner,
    log: createLog({ level: 'error', bindings: {}, fd: 2 }),
    clock: systemClock,
    signal: AbortSignal.timeout(minuteMs),
  });
}

async function fillFactor(database: Database, table: string): Promise<string> {
  const { rows } = await database.query<{ value: string }>(
    `SELECT coalesce(substring(array_to_string(reloptions, ',') FROM 'fillfactor=([0-9]+)'), '100') AS value
     FROM pg_class WHERE oid = to_regclass($1)`,
    [table],
  );
  return rows[0]?.value ?? '100';
}

async function openSink(database: Database, { uid, table }: Place): Promise<Sink> {
  await database.query(
    'UPDATE millrace.increment_partitions SET owner = NULL WHERE pipeline = $1',
    [uid],
  );
  const claim = { pipeline: uid, owner: 'bench', partitions: [partition], leaseMs: minuteMs };
  const [row] = await claimPartitions(database, claim);
  if (row === undefined) throw new Error('the partition is not free');
  let { lastId } = row;
  return {
    commit: async (items) => {
      const batch = takeBatch(entriesOf(items, lastId), keysMax);
      if (batch === undefined || batch.isFull) throw new Error('a batch that is not one commit');
      const { outcome } = await commitBatch(database, {
        pipeline: uid,
        table,
        fence: { ...fenceOf(row), lastId },
        batch,
        leaseMs: minuteMs,
        windowMs: 24 * 60 * minuteMs,
      });
      if (outcome !== 'Committed') throw new Error('the sink was fenced');
      ({ lastId } = batch);
    },
  };
}

function fenceOf({ incarnation, epoch }: PartitionRow): Pick<
  PartitionRow,
  'incarnation' | 'epoch'
> & {
  readonly partition: number;
} {
  return { partition, incarnation, epoch };
}

/** As a worker reads them: the next ids after the last one. */
function entriesOf(items: Buffer, lastId: string): Parameters<typeof takeBatch>[0] {
  const last = Number(lastId.split('-')[0]);
  const bytes = Math.ceil(items.length / itemBytes / entriesOfBatch) * itemBytes;
  return Array.from({ length: entriesOfBatch }, (_, index) => ({
    id: `${String(last + 1 + index)}-0`,
    version: itemsVersion,
    payload: items.subarray(index * bytes, (index + 1) * bytes),
  }));
}

/** So that no run pays for the pages of the one before it. */
async function checkpoint(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query('CHECKPOINT');
  await client.end();
}

async function fingerprint(database: Database, table: string): Promise<string> {
  const { rows } = await database.query<{ print: string }>(
    `SELECT count(*) || ':' || sum(hashtextextended(key || ' ' || value, 0)) AS print FROM ${table}`,
  );
  return rows[0]?.print ?? '';
}
