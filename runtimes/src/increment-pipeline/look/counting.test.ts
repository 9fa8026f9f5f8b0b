import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PartitionRow } from '../ledger/partitions.ts';
import { count, countMembers, countOwned } from './counting.ts';
import type { StreamReading } from './reading.ts';

const row: PartitionRow = {
  partition: 0,
  incarnation: 1,
  lastId: '0-0',
  epoch: 1n,
  leaseMs: 0,
  committed: 0n,
  duplicates: 0n,
  deadLetters: 0n,
  acceptedBefore: 0n,
  lost: 0n,
};
const stream: StreamReading = { incarnation: 1, accepted: 0n, entries: 0, bytes: 0 };
const streams = (reading: StreamReading) => new Map([[0, reading]]);

describe('counting a pipeline', () => {
  it('accounts for every increment over all partitions and incarnations', () => {
    const rows = [
      { ...row, committed: 5n, duplicates: 1n, deadLetters: 2n },
      { ...row, partition: 1, incarnation: 3, acceptedBefore: 10n, committed: 8n, lost: 2n },
    ];
    const readings = new Map([
      [0, { ...stream, accepted: 12n, entries: 3, bytes: 100, oldestId: '5-0' }],
      [1, { ...stream, incarnation: 3, accepted: 4n, entries: 4, bytes: 50, oldestId: '6-0' }],
    ]);

    expect(count(rows, readings)).toEqual({
      totals: {
        accepted: 26,
        committed: 13,
        duplicates: 1,
        deadLetters: 2,
        lost: 2,
        incarnations: 2,
      },
      backlog: { entries: 7, increments: 8, bytes: 150 },
    });
  });

  it('does not count entries that are committed and not yet trimmed', () => {
    const rows = [{ ...row, committed: 12n }];

    const { backlog } = count(rows, streams({ ...stream, accepted: 12n, entries: 9, bytes: 90 }));

    expect(backlog).toEqual({ entries: 0, increments: 0, bytes: 90 });
  });

  it('never says that nothing waits while an entry does', () => {
    const { totals, backlog } = count(
      [{ ...row, committed: 7n }],
      streams({ ...stream, accepted: 7n, entries: 1, oldestId: '9-0' }),
    );

    expect(backlog).toMatchObject({ entries: 1, increments: 1 });
    expect(totals.accepted).toBe(8);
  });

  it('believes no reading of another incarnation', () => {
    const reading = { ...stream, accepted: 99n, entries: 9, bytes: 9, oldestId: '1-0' };

    const { totals, backlog } = count(
      [{ ...row, incarnation: 2, acceptedBefore: 5n, committed: 5n }],
      streams(reading),
    );

    expect([totals.accepted, backlog.increments]).toEqual([5, 0]);
  });

  it('holds accepted = committed + duplicates + dead letters + lost + backlog, whatever it reads', () => {
    const amount = fc.bigInt({ min: 0n, max: 1_000n });
    const anyRow = fc.record({
      committed: amount,
      duplicates: amount,
      deadLetters: amount,
      lost: amount,
      acceptedBefore: amount,
      accepted: amount,
      isWaiting: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(anyRow, { maxLength: 4 }), (them) => {
        const rows = them.map((it, partition) => ({ ...row, ...it, partition }));
        const readings = new Map(
          them.map(({ accepted, isWaiting }, partition) => [
            partition,
            { ...stream, accepted, entries: 1, ...(isWaiting ? { oldestId: '1-0' } : {}) },
          ]),
        );

        const { totals, backlog } = count(rows, readings);

        const { accepted, committed, duplicates, deadLetters, lost } = totals;
        expect(accepted).toBe(committed + duplicates + deadLetters + lost + backlog.increments);
        expect(backlog.increments > 0).toBe(backlog.entries > 0);
      }),
    );
  });

  it('counts those who are alive, and partitions that somebody reads', () => {
    const member = { committed: 0n, busyMs: 0n };
    const members = [
      { ...member, member: 'a', role: 'gateway' as const },
      { ...member, member: 'b', role: 'worker' as const },
      { ...member, member: 'c', role: 'worker' as const },
    ];
    const rows = [
      { ...row, owner: 'b', leaseMs: 1 },
      { ...row, owner: 'c', leaseMs: 0 },
      { ...row, leaseMs: 0 },
    ];

    expect(countMembers(members)).toEqual({ gateways: 1, workers: 2 });
    expect(countOwned(rows)).toBe(1);
  });
});
