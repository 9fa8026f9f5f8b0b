/**
 * Sums with what is still in the streams: everything that was accepted before the read began is in
 * the answer, and nothing twice.
 *
 * The streams are read first and the sums afterwards, together with the positions of the partitions
 * in one snapshot. Whatever is committed in between is then in the sums, and its entries are known by
 * their ids to be so; trimming cannot take anything away that is not. A stream that began anew in
 * between makes it start over. Requests with an Idempotency-Key are judged as a worker would, so a
 * repetition counts once. What would be put aside because a sum passes bigint is counted here all
 * the same: the worker decides that at its commit.
 *
 * Bounded: bytes of the backlog, reads at a time, and time. Beyond the first it is refused with
 * BacklogTooLarge; committed sums can still be read.
 */
import type { IncrementPipelinePodConfig } from '@millrace/crds/increment-pipeline';
import type { Clock } from '@millrace/kit/clock';
import { Transient } from '@millrace/kit/transient';
import type { Database, Sql } from '../../connectors/postgres/database.ts';
import type { RedisCommands } from '../../connectors/redis/link.ts';
import { boundedWork } from '../../http/bounded-reads.ts';
import { readPartitions, type PartitionRow } from '../ledger/partitions.ts';
import { compareEntryIds, entryTimeMs } from '../stream/entry-id.ts';
import {
  decodeEntry,
  itemBytes,
  keyBytes,
  type DecodedEntry,
  type Entry,
} from '../stream/entry.ts';
import { partitionOf } from '../stream/partition-of.ts';
import { readEntries } from '../stream/reader.ts';
import { judgeRequests } from '../worker/requests.ts';
import type { CountRow } from './counts.ts';
import type { AnswerCode } from './refusals.ts';
import { uuidText } from './uuid.ts';

/** By the text of the key: what is not in the table, and when Redis took the last of it. */
export type Pending = ReadonlyMap<string, { readonly value: bigint; readonly atMs: number }>;

export interface FreshRead {
  /** Only this key is wanted. */
  readonly key?: Buffer;
  readonly read: (sql: Sql) => Promise<readonly CountRow[]>;
}

export interface Fresh {
  read(wanted: FreshRead): Promise<readonly [readonly CountRow[], Pending]>;
}

export interface FreshOptions {
  readonly config: Pick<IncrementPipelinePodConfig, 'resource' | 'partitions' | 'idempotency'>;
  readonly database: Database;
  readonly link: RedisCommands;
  readonly clock: Clock;
  readonly deadlineMs: number;
}

/** Some 700,000 increments; more than workers that keep up leave behind. */
const backlogBytesMax = 16 * 1024 * 1024;
const backlogEntriesMax = 200_000;
const readsMax = 4;
/** A stream begins anew when Redis has lost data: twice in one read is no accident any more. */
const attemptsMax = 3;

type Known = Extract<DecodedEntry, { items: Buffer }> & { readonly id: string };
interface Backlog {
  readonly row: PartitionRow;
  readonly entries: readonly Known[];
}

export function createFresh(options: FreshOptions): Fresh {
  const { clock, deadlineMs } = options;
  const bounded = boundedWork({ clock, readsMax, deadlineMs });
  return {
    read: (wanted) =>
      bounded(async () => {
        for (let attempt = 1; attempt <= attemptsMax; attempt++) {
          const found = await readOnce(options, wanted);
          if (found !== undefined) return found;
        }
        throw new Transient(
          'StreamsChanged' satisfies AnswerCode,
          'Redis has just lost data. Try again.',
        );
      }),
  };
}

async function readOnce(
  options: FreshOptions,
  wanted: FreshRead,
): Promise<readonly [readonly CountRow[], Pending] | undefined> {
  const { database, config } = options;
  const { uid } = config.resource;
  const before = await readPartitions(database, uid);
  const backlogs = await readBacklogs(options, concerned(before, config, wanted.key));
  return await database.transaction(async (tx) => {
    await tx.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    const rows = await wanted.read(tx);
    const after = new Map((await readPartitions(tx, uid)).map((row) => [row.partition, row]));
    const pending = new Map<string, { value: bigint; atMs: number }>();
    for (const { row, entries } of backlogs) {
      const now = after.get(row.partition);
      if (now?.incarnation !== row.incarnation) return undefined;
      const waiting = entries.filter(({ id }) => compareEntryIds(id, now.lastId) > 0);
      const counted = await withoutRepetitions(tx, options, { row, entries: waiting });
      for (const entry of counted) add(pending, entry, wanted.key);
    }
    return [rows, pending];
  });
}

/** Without keyed requests, which go where their digest says, a key is in one partition alone. */
function concerned(
  rows: readonly PartitionRow[],
  { partitions, idempotency }: FreshOptions['config'],
  key: Buffer | undefined,
): readonly PartitionRow[] {
  if (key === undefined || idempotency !== undefined) return rows;
  const only = partitionOf(key, 0, partitions);
  return rows.filter(({ partition }) => partition === only);
}

async function readBacklogs(
  { link, config }: FreshOptions,
  rows: readonly PartitionRow[],
): Promise<readonly Backlog[]> {
  const { uid } = config.resource;
  const backlogs: Backlog[] = [];
  let bytes = 0;
  // One after the other: together they must stay within the bound.
  for (const row of rows) {
    const { partition, incarnation, lastId } = row;
    const found = await readEntries(link, {
      uid,
      partition,
      incarnation,
      after: lastId,
      entriesMax: backlogEntriesMax,
      bytesMax: backlogBytesMax - bytes + 1,
    });
    for (const { payload } of found) bytes += payload.length;
    if (bytes > backlogBytesMax || found.length >= backlogEntriesMax) throw backlogTooLarge();
    backlogs.push({ row, entries: found.flatMap(readable) });
  }
  return backlogs;
}

/** What cannot be read is in no sum: the worker puts it aside. */
function readable(entry: Entry): readonly Known[] {
  const decoded = decodeEntry(entry);
  return 'items' in decoded ? [{ ...decoded, id: entry.id }] : [];
}

async function withoutRepetitions(
  tx: Sql,
  { config }: FreshOptions,
  { row, entries }: Backlog,
): Promise<readonly Known[]> {
  if (!entries.some(({ request }) => request !== undefined)) return entries;
  const verdicts = await judgeRequests(tx, entries, {
    pipeline: config.resource.uid,
    partition: row.partition,
    incarnation: row.incarnation,
    windowMs: config.idempotency?.windowMs ?? Number.POSITIVE_INFINITY,
  });
  return entries.filter((_, at) => (verdicts.get(at) ?? 'First') === 'First');
}

function add(
  pending: Map<string, { value: bigint; atMs: number }>,
  { items, id }: Known,
  only: Buffer | undefined,
): void {
  const atMs = entryTimeMs(id);
  for (let at = 0; at < items.length; at += itemBytes) {
    if (only !== undefined && items.compare(only, 0, keyBytes, at, at + keyBytes) !== 0) continue;
    const key = uuidText(items, at);
    const value = items.readBigUInt64BE(at + keyBytes);
    const known = pending.get(key);
    if (known === undefined) {
      pending.set(key, { value, atMs });
      continue;
    }
    known.value += value;
    known.atMs = Math.max(known.atMs, atMs);
  }
}

function backlogTooLarge(): Transient {
  return new Transient(
    'BacklogTooLarge' satisfies AnswerCode,
    'More waits to be committed than a fresh read may look through. Try again, or read without fresh.',
    { retryAfterMs: 1_000 },
  );
}
