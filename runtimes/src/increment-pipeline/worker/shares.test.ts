import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PartitionRow } from '../ledger/partitions.ts';
import { shareOf, shareSteps } from './shares.ts';

function row(partition: number, owner: string | undefined, leaseMs = 1_000): PartitionRow {
  const counts = { committed: 0n, duplicates: 0n, deadLetters: 0n, acceptedBefore: 0n, lost: 0n };
  const held = owner === undefined ? {} : { owner };
  return { partition, incarnation: 1, lastId: '0-0', epoch: 1n, leaseMs, ...counts, ...held };
}

describe('the share of a worker', () => {
  it('adds up to all partitions, and differs by one at most', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 64 }),
        fc.integer({ min: 1, max: 64 }),
        (partitions, count) => {
          const workers = Array.from({ length: count }, (_, at) => `w${String(at)}`);
          const shares = workers.map((worker) => shareOf(worker, workers, partitions));

          expect(shares.reduce((sum, share) => sum + share, 0)).toBe(partitions);
          expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
        },
      ),
    );
  });

  it('is nothing for a worker that is not known to live', () => {
    expect(shareOf('c', ['a', 'b'], 8)).toBe(0);
  });

  it('is reached by everybody after workers came and went, and moves no more than it must', () => {
    const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'), {
      minLength: 1,
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 24 }), names, names, (partitions, before, after) => {
        const owners = new Map<number, string>();
        settle(owners, { partitions, workers: [...before].sort() });
        const had = new Map(owners);
        const workers = [...after].sort();
        settle(owners, { partitions, workers });

        for (const worker of workers) {
          const kept = [...owners].filter(([, owner]) => owner === worker);
          const share = shareOf(worker, workers, partitions);
          expect(kept).toHaveLength(share);
          const old = [...had].filter(([, owner]) => owner === worker).map(([at]) => at);
          const stayed = kept.filter(([at]) => old.includes(at));
          expect(stayed).toHaveLength(Math.min(share, old.length));
        }
      }),
    );
  });
});

interface Fleet {
  readonly partitions: number;
  readonly workers: readonly string[];
}

/** Everybody looks twice, one after the other; the leases of those that are gone are over. */
function settle(owners: Map<number, string>, { partitions, workers }: Fleet): void {
  for (const worker of [...workers, ...workers]) {
    const rows = Array.from({ length: partitions }, (_, partition) => {
      const owner = owners.get(partition);
      return row(partition, owner, owner !== undefined && workers.includes(owner) ? 1_000 : 0);
    });
    const mine = rows.filter(({ owner }) => owner === worker);
    const held = new Map(mine.map(({ partition }) => [partition, 1n]));
    const steps = shareSteps({ worker, workers, rows, partitions, held });
    for (const partition of steps.release) owners.delete(partition);
    for (const partition of steps.claim) owners.set(partition, worker);
  }
}

describe('the steps of a worker', () => {
  const workers = ['me', 'you'];

  it('leave alone what another holds under a valid lease', () => {
    const rows = [row(0, 'you'), row(1, 'you'), row(2, 'you', 0), row(3, undefined, 0)];

    const steps = shareSteps({ worker: 'me', workers, rows, partitions: 4, held: new Map() });

    expect(steps).toEqual({ lost: [], release: [], adopt: [], disown: [], claim: [2, 3] });
  });

  it('give up what has another epoch, and go on with what is theirs without their knowing', () => {
    const rows = [{ ...row(0, 'you'), epoch: 5n }, row(1, 'me'), row(2, 'me'), row(3, 'me')];
    const held = new Map([
      [0, 4n],
      [1, 1n],
    ]);

    const steps = shareSteps({ worker: 'me', workers, rows, partitions: 4, held });

    expect(steps.lost).toEqual([0]);
    expect(steps.adopt.map(({ partition }) => partition)).toEqual([2]);
    expect(steps.disown.map(({ partition }) => partition)).toEqual([3]);
  });
});
