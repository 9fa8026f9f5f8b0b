/**
 * The arithmetic of a look, without time and without backends.
 *
 * Of each partition: accepted = committed + duplicates + dead letters + lost + backlog. What Redis has
 * forgotten cannot make accepted less than what is accounted for; it shows as lost once the stream
 * has begun anew. Nothing that waits is ever counted as nothing.
 */
import type { IncrementPipelineProgress, IncrementTotals } from '@millrace/crds/increment-pipeline';
import type { Member } from '../ledger/members.ts';
import type { PartitionRow } from '../ledger/partitions.ts';
import type { StreamReading } from './reading.ts';

export interface Counted {
  readonly totals: IncrementTotals;
  readonly backlog: Omit<IncrementPipelineProgress['backlog'], 'maxBytes'>;
}

export function count(
  rows: readonly PartitionRow[],
  streams: ReadonlyMap<number, StreamReading>,
): Counted {
  const sum = { committed: 0n, duplicates: 0n, deadLetters: 0n, lost: 0n, waiting: 0n };
  let [incarnations, entries, bytes] = [0, 0, 0];
  for (const row of rows) {
    const stream = streamOf(row, streams);
    const { waiting, waitingEntries } = waitingIn(row, stream);
    sum.committed += row.committed;
    sum.duplicates += row.duplicates;
    sum.deadLetters += row.deadLetters;
    sum.lost += row.lost;
    sum.waiting += waiting;
    incarnations += row.incarnation - 1;
    entries += waitingEntries;
    bytes += stream?.bytes ?? 0;
  }
  const accounted = sum.committed + sum.duplicates + sum.deadLetters + sum.lost;
  return {
    totals: {
      accepted: Number(accounted + sum.waiting),
      committed: Number(sum.committed),
      duplicates: Number(sum.duplicates),
      deadLetters: Number(sum.deadLetters),
      lost: Number(sum.lost),
      incarnations,
    },
    backlog: { entries, increments: Number(sum.waiting), bytes },
  };
}

function waitingIn(row: PartitionRow, stream: StreamReading | undefined) {
  const accounted = row.committed + row.duplicates + row.deadLetters + row.lost;
  const difference = row.acceptedBefore + (stream?.accepted ?? 0n) - accounted;
  // An entry that is there waits, whatever the counts say: whoever drains must not overlook it.
  const least = stream?.oldestId === undefined ? 0n : 1n;
  const waiting = difference > least ? difference : least;
  const waitingEntries = Math.min(
    Number(waiting),
    // Of entries that were committed and are not yet trimmed nobody keeps count.
    Math.max(Number(least), stream?.entries ?? 0),
  );
  return { waiting, waitingEntries };
}

/** A reading of an earlier incarnation says nothing about the present one. */
function streamOf(
  row: PartitionRow,
  streams: ReadonlyMap<number, StreamReading>,
): StreamReading | undefined {
  const stream = streams.get(row.partition);
  return stream?.incarnation === row.incarnation ? stream : undefined;
}

export function countMembers(members: readonly Member[]): IncrementPipelineProgress['members'] {
  const workers = members.filter(({ role }) => role === 'worker').length;
  return { gateways: members.length - workers, workers };
}

export function countOwned(rows: readonly PartitionRow[]): number {
  return rows.filter(({ owner, leaseMs }) => owner !== undefined && leaseMs > 0).length;
}
