/**
 * What a look reads: the rows of the ledger, then the streams that they speak of.
 *
 * The ledger comes first. What is committed in between makes the backlog look larger than it is,
 * never smaller: nobody may conclude from a look that nothing waits while something does.
 */
import type { RedisCommands } from '../../connectors/redis/link.ts';
import type { Sql } from '../../connectors/postgres/database.ts';
import { livingMembers, type Member } from '../ledger/members.ts';
import { readPartitions, type PartitionRow } from '../ledger/partitions.ts';
import { acceptedCounts, readEntries, streamFacts } from '../stream/reader.ts';

export interface LedgerReading {
  readonly partitions: readonly PartitionRow[];
  readonly members: readonly Member[];
}

export interface StreamReading {
  readonly incarnation: number;
  /** Increments ever appended in this incarnation, as far as Redis remembers. */
  readonly accepted: bigint;
  readonly entries: number;
  readonly bytes: number;
  /** The first entry after what is committed. */
  readonly oldestId?: string;
}

export interface StreamsReading {
  /** By the clock of Redis, which also gave the entries their ids. */
  readonly nowMs: number;
  readonly streams: ReadonlyMap<number, StreamReading>;
}

export async function readLedger(sql: Sql, uid: string): Promise<LedgerReading> {
  const [partitions, members] = await Promise.all([
    readPartitions(sql, uid),
    livingMembers(sql, uid),
  ]);
  return { partitions, members };
}

export async function readStreams(
  link: RedisCommands,
  uid: string,
  rows: readonly PartitionRow[],
): Promise<StreamsReading> {
  const [accepted, streams, time] = await Promise.all([
    acceptedCounts(link, uid, rows),
    Promise.all(rows.map(async (row) => await readStream(link, uid, row))),
    // Last, so that no entry is younger than now.
    link.call('Asking Redis for the time', ['TIME']),
  ]);
  return {
    nowMs: timeOf(time),
    streams: new Map(
      streams.map((stream, at) => [
        rows[at]?.partition ?? at,
        { ...stream, accepted: accepted[at] ?? 0n },
      ]),
    ),
  };
}

async function readStream(
  link: RedisCommands,
  uid: string,
  { partition, incarnation, lastId }: PartitionRow,
): Promise<Omit<StreamReading, 'accepted'>> {
  const place = { uid, partition, incarnation };
  const [facts, [oldest]] = await Promise.all([
    streamFacts(link, place),
    readEntries(link, { ...place, after: lastId, entriesMax: 1, bytesMax: 1 }),
  ]);
  return {
    incarnation,
    entries: facts?.length ?? 0,
    bytes: facts?.bytes ?? 0,
    ...(oldest === undefined ? {} : { oldestId: oldest.id }),
  };
}

function timeOf(reply: unknown): number {
  const [seconds, micros] = Array.isArray(reply) ? reply.map(String) : [];
  return Number(seconds ?? 0) * 1000 + Math.floor(Number(micros ?? 0) / 1000);
}
