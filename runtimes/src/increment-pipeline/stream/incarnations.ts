/**
 * Which streams this gateway appends to, and whether Redis still has what it once acknowledged.
 *
 * A stream has forgotten when it is missing, or when the last id it gave is less than the last one
 * committed or the last one that this gateway was told. Then a new incarnation begins, in an order
 * that loses nothing more and that any number of gateways may go through at once:
 *
 *   1. the old stream is ended in Redis, which refuses while it holds what is not committed: then
 *      nothing is appended until the workers have committed that;
 *   2. the new stream is made, so that whoever reads the ledger after step 3 finds it;
 *   3. the ledger moves on, by compare-and-set on the incarnation and the last id. One of many wins,
 *      the others look again.
 *
 * After step 1 every append to the old stream is refused, whoever sends it.
 */
import type { RedisCommands } from '../../connectors/redis/link.ts';
import type { Sql } from '../../connectors/postgres/database.ts';
import { livingMembers } from '../ledger/members.ts';
import { beginIncarnation, readPartitions, type PartitionRow } from '../ledger/partitions.ts';
import { compareEntryIds, entryTimeMs, firstEntryId } from './entry-id.ts';
import { refusal } from './failures.ts';
import { acceptedField, acceptedKey, streamKey, type StreamPlace } from './names.ts';
import { acceptedCounts, readEntries, streamInfo } from './reader.ts';
import { endStreamScript, makeStreamScript } from './scripts.ts';

/** One partition as this gateway knows it. */
export interface Stream {
  readonly partition: number;
  readonly incarnation: number;
  readonly key: string;
  readonly field: string;
  /** The last id that was acknowledged to this gateway. */
  ackedId: string;
  /** The most increments that the stream is known to have accepted, from any gateway. */
  accepted: bigint;
}

/** Ids only rise. One that does not comes from data that was set back under a living connection. */
export function noteAcked(stream: Stream, id: string): void {
  if (compareEntryIds(id, stream.ackedId) <= 0) throw new Error('an entry id went back');
  stream.ackedId = id;
}

export function noteAccepted(stream: Stream, count: unknown): void {
  const accepted = BigInt(Number(count));
  if (accepted > stream.accepted) stream.accepted = accepted;
}

export interface IncarnationsOptions {
  readonly uid: string;
  readonly partitions: number;
  readonly ledger: Sql;
  readonly commands: RedisCommands;
  began(it: {
    readonly partition: number;
    readonly incarnation: number;
    readonly lost: number;
  }): void;
}

export interface Look {
  /** True when every stream can be appended to. */
  readonly isSound: boolean;
  /** Streams hold increments that must be committed before they can begin anew. */
  readonly waitsForWorkers: boolean;
  /** When Redis took the oldest increment that is not committed. */
  readonly oldestMs: number | undefined;
  readonly flow: Flow;
}

/** How increments go through, as far as the ledger and the streams tell. */
export interface Flow {
  /** Increments ever accepted, and of those how many are accounted for in Postgres. */
  readonly accepted: number;
  readonly settled: number;
  /** When Redis took the oldest one that waits in a partition that moved on since the last look. */
  readonly oldestMovedMs: number | undefined;
  readonly gateways: number;
  readonly workers: number;
}

type Finding = 'Sound' | 'Began' | 'WaitsForWorkers';

export class Incarnations {
  readonly #options: IncarnationsOptions;
  #streams: readonly Stream[] = [];
  #lastIds: readonly string[] = [];

  constructor(options: IncarnationsOptions) {
    this.#options = options;
  }

  /** By partition; empty before the first look. */
  get streams(): readonly Stream[] {
    return this.#streams;
  }

  /**
   * Compares every stream with the ledger, and begins incarnations where Redis has forgotten. The
   * order is the point: an id that was committed, or told to us, before Redis is asked must be
   * reached by its answer.
   */
  async look(): Promise<Look> {
    const { uid, ledger, commands, partitions } = this.#options;
    const rows = await readPartitions(ledger, uid);
    if (rows.length !== partitions) {
      throw refusal('StreamsUnchecked', { detail: 'the pipeline is not registered yet.' });
    }
    this.#adopt(rows);
    const acked = this.#streams.map(({ ackedId }) => ackedId);
    const places = rows.map(({ partition, incarnation }) => ({ uid, partition, incarnation }));
    const [infos, counts, firsts, members] = await Promise.all([
      Promise.all(places.map((place) => streamInfo(commands, place))),
      acceptedCounts(commands, uid, places),
      this.#firsts(rows),
      livingMembers(ledger, uid),
    ]);
    const findings: Finding[] = [];
    for (const [at, row] of rows.entries()) {
      const stream = this.#streams[at];
      if (stream === undefined) continue;
      const count = counts[at] ?? 0n;
      if (count > stream.accepted) stream.accepted = count;
      const last = infos[at]?.lastGeneratedId;
      const hasAll =
        last !== undefined &&
        compareEntryIds(last, row.lastId) >= 0 &&
        compareEntryIds(last, acked[at] ?? firstEntryId) >= 0;
      findings.push(hasAll ? 'Sound' : await this.#repair(row, stream, last !== undefined));
    }
    const moved = firsts.filter((_, at) => rows[at]?.lastId !== this.#lastIds[at]);
    this.#lastIds = rows.map(({ lastId }) => lastId);
    return {
      isSound: findings.every((finding) => finding === 'Sound'),
      waitsForWorkers: findings.includes('WaitsForWorkers'),
      oldestMs: earliest(firsts),
      flow: {
        ...this.#sums(rows),
        oldestMovedMs: earliest(moved),
        gateways: members.filter(({ role }) => role === 'gateway').length,
        workers: members.filter(({ role }) => role === 'worker').length,
      },
    };
  }

  #sums(rows: readonly PartitionRow[]): Pick<Flow, 'accepted' | 'settled'> {
    let accepted = 0n;
    let settled = 0n;
    for (const [at, row] of rows.entries()) {
      accepted += row.acceptedBefore + (this.#streams[at]?.accepted ?? 0n);
      settled += settledOf(row);
    }
    return { accepted: Number(accepted), settled: Number(settled) };
  }

  #adopt(rows: readonly PartitionRow[]): void {
    const { uid, commands } = this.#options;
    this.#streams = rows.map((row, at) => {
      const known = this.#streams[at];
      if (known?.incarnation === row.incarnation) return known;
      const { partition, incarnation } = row;
      if (incarnation > 1) void dropOld(commands, { uid, partition, incarnation: incarnation - 1 });
      return {
        partition,
        incarnation,
        key: streamKey({ uid, partition, incarnation }),
        field: acceptedField({ partition, incarnation }),
        ackedId: firstEntryId,
        accepted: 0n,
      };
    });
  }

  async #repair(row: PartitionRow, stream: Stream, exists: boolean): Promise<Finding> {
    const { uid, commands, ledger } = this.#options;
    if (!exists && isUnused(row) && stream.accepted === 0n) {
      await makeStream(commands, stream.key);
      return 'Began';
    }
    const ended = await commands.script('Ending a stream', endStreamScript, {
      keys: [stream.key],
      args: [row.lastId],
    });
    if (ended !== 1) return 'WaitsForWorkers';
    const { partition, incarnation, lastId } = row;
    await makeStream(commands, streamKey({ uid, partition, incarnation: incarnation + 1 }));
    const { accepted } = stream;
    const hasBegun = await beginIncarnation(ledger, {
      pipeline: uid,
      partition,
      incarnation,
      lastId,
      accepted,
    });
    if (hasBegun) {
      const lost = lostOf(row, accepted);
      this.#options.began({ partition, incarnation: incarnation + 1, lost });
    }
    return 'Began';
  }

  /** By row: when Redis took the first entry that is not committed. */
  async #firsts(rows: readonly PartitionRow[]): Promise<readonly (number | undefined)[]> {
    const { uid, commands } = this.#options;
    return await Promise.all(
      rows.map(async ({ partition, incarnation, lastId }) => {
        const place = { uid, partition, incarnation };
        const bounds = { after: lastId, entriesMax: 1, bytesMax: 1 };
        const [first] = await readEntries(commands, { ...place, ...bounds });
        return first === undefined ? undefined : entryTimeMs(first.id);
      }),
    );
  }
}

function earliest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function settledOf({ committed, duplicates, deadLetters, lost }: PartitionRow): bigint {
  return committed + duplicates + deadLetters + lost;
}

/** A row as registration leaves it: its first stream is made in place. */
function isUnused(row: PartitionRow): boolean {
  return (
    row.incarnation === 1 &&
    row.lastId === firstEntryId &&
    settledOf(row) + row.acceptedBefore === 0n
  );
}

function lostOf(row: PartitionRow, accepted: bigint): number {
  const lost = row.acceptedBefore + accepted - settledOf(row);
  return lost > 0n ? Number(lost) : 0;
}

async function makeStream(commands: RedisCommands, key: string): Promise<void> {
  await commands.script('Making a stream', makeStreamScript, { keys: [key], args: [] });
}

/** An old copy of Redis' data may have brought it back; the ledger has moved on from it. */
async function dropOld(commands: RedisCommands, place: StreamPlace): Promise<void> {
  await Promise.all([
    commands.call('Dropping an ended stream', ['UNLINK', streamKey(place)]),
    commands.call('Dropping an ended stream', [
      'HDEL',
      acceptedKey(place.uid),
      acceptedField(place),
    ]),
  ]).catch(() => undefined);
}
