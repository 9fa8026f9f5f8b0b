/**
 * Who should have how many partitions, and what follows for one worker.
 *
 * The living workers in the order of their names get equal shares, the first ones one more when it
 * does not divide. Everybody computes the same from the same rows; while they see different rows,
 * leases keep them apart. A worker keeps what it has and gives back only what is beyond its share.
 */
import type { PartitionRow } from '../ledger/partitions.ts';

/** How many partitions a worker should have; `workers` in the order of their names. */
export function shareOf(worker: string, workers: readonly string[], partitions: number): number {
  const rank = workers.indexOf(worker);
  if (rank < 0) return 0;
  const least = Math.floor(partitions / workers.length);
  return least + (rank < partitions % workers.length ? 1 : 0);
}

export interface ShareInput {
  readonly worker: string;
  readonly workers: readonly string[];
  /** Those that are not just being given back. */
  readonly rows: readonly PartitionRow[];
  /** How many there are in all. */
  readonly partitions: number;
  /** Epochs by partition of what is being worked on. */
  readonly held: ReadonlyMap<number, bigint>;
}

export interface ShareSteps {
  /** No longer ours, by its epoch. */
  readonly lost: readonly number[];
  /** Beyond the share: to be given back after the batch in hand. */
  readonly release: readonly number[];
  /** Ours by the ledger and not worked on: the answer to a claim or a release was lost. */
  readonly adopt: readonly PartitionRow[];
  readonly disown: readonly PartitionRow[];
  /** Free, and wanted. */
  readonly claim: readonly number[];
}

export function shareSteps({ worker, workers, rows, partitions, held }: ShareInput): ShareSteps {
  const lost = rows
    .filter(({ partition, epoch }) => held.has(partition) && held.get(partition) !== epoch)
    .map(({ partition }) => partition);
  const kept = [...held.keys()].filter((partition) => !lost.includes(partition));
  const share = shareOf(worker, workers, partitions);
  const release = kept.slice(share);
  const orphans = rows.filter(
    ({ partition, owner }) => owner === worker && !kept.includes(partition),
  );
  const adopted = Math.max(0, share - kept.length);
  const adopt = orphans.slice(0, adopted);
  const wanted = Math.max(0, share - kept.length - adopt.length);
  const claim = rows
    .filter(({ owner, leaseMs }) => owner !== worker && (owner === undefined || leaseMs === 0))
    .map(({ partition }) => partition)
    .slice(0, wanted);
  return { lost, release, adopt, disown: orphans.slice(adopted), claim };
}
