import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import { preparedPipeline } from '../../../test/increment-worker.ts';
import { beat, leave, livingMembers } from './members.ts';
import {
  beginIncarnation,
  claimPartitions,
  readPartitions,
  releasePartition,
  renewLeases,
} from './partitions.ts';

describe.skipIf(lacks('postgres'))('the ledger of increments', () => {
  it('gives a partition to one of two workers, and to another only when the lease is over', async () => {
    await using pipeline = await preparedPipeline();
    const { db, uid } = pipeline;
    const claim = { pipeline: uid, partitions: [0, 1], leaseMs: 60_000 };

    const [mine, yours] = await Promise.all([
      claimPartitions(db, { ...claim, owner: 'a' }),
      claimPartitions(pipeline.open(), { ...claim, owner: 'b' }),
    ]);

    expect(mine.length + yours.length).toBe(2);
    expect(await claimPartitions(db, { ...claim, owner: 'c' })).toEqual([]);
    await pipeline.owner.query(
      'UPDATE millrace.increment_partitions SET lease_until = clock_timestamp() WHERE partition = 1',
    );
    const taken = await claimPartitions(db, { ...claim, owner: 'c' });
    expect(taken).toMatchObject([{ partition: 1, owner: 'c', epoch: 2n }]);
    expect(taken[0]?.leaseMs).toBeGreaterThan(0);
  });

  it('renews leases of their owner alone, and gives one back under its epoch alone', async () => {
    await using pipeline = await preparedPipeline();
    const { db, uid } = pipeline;
    const claim = { pipeline: uid, partitions: [0, 1], leaseMs: 1, owner: 'a' };
    await claimPartitions(db, claim);

    await renewLeases(db, { pipeline: uid, owner: 'b', leaseMs: 60_000 });
    expect((await readPartitions(db, uid)).every(({ leaseMs }) => leaseMs < 10)).toBe(true);
    await renewLeases(db, { pipeline: uid, owner: 'a', leaseMs: 60_000 });
    expect((await readPartitions(db, uid)).every(({ leaseMs }) => leaseMs > 10_000)).toBe(true);

    await releasePartition(db, { pipeline: uid, partition: 0, epoch: 0n });
    await releasePartition(db, { pipeline: uid, partition: 1, epoch: 1n });
    const rows = await readPartitions(db, uid);
    expect(rows.map(({ owner }) => owner)).toEqual(['a', undefined]);
  });

  it('skips a partition whose row is locked instead of waiting for it', async () => {
    await using pipeline = await preparedPipeline();
    const { db, uid } = pipeline;

    const taken = await pipeline.open().transaction(async (tx) => {
      await tx.query('SELECT FROM millrace.increment_partitions WHERE partition = 0 FOR UPDATE');
      return claimPartitions(db, { pipeline: uid, partitions: [0, 1], leaseMs: 9_000, owner: 'a' });
    });

    expect(taken.map(({ partition }) => partition)).toEqual([1]);
  });

  it('begins an incarnation once, and counts what the old one lost', async () => {
    await using pipeline = await preparedPipeline();
    const { db, uid } = pipeline;
    await pipeline.owner.query(
      `UPDATE millrace.increment_partitions SET last_id = '7-1', committed = 60, duplicates = 3,
         dead_letters = 2, accepted_before = 10, lost = 5 WHERE partition = 0`,
    );
    const ended = { pipeline: uid, partition: 0, incarnation: 1, lastId: '7-1', accepted: 75n };

    expect(await beginIncarnation(db, { ...ended, lastId: '7-0' })).toBe(false);
    expect(await beginIncarnation(db, ended)).toBe(true);
    expect(await beginIncarnation(db, ended)).toBe(false);

    const [row] = await readPartitions(db, uid);
    expect(row).toMatchObject({
      incarnation: 2,
      lastId: '0-0',
      acceptedBefore: 85n,
      committed: 60n,
      lost: 20n,
    });
  });

  it('loses nothing on paper when the count of accepted increments is gone too', async () => {
    await using pipeline = await preparedPipeline();
    const { db, uid } = pipeline;
    await pipeline.owner.query(
      `UPDATE millrace.increment_partitions SET last_id = '7-1', committed = 60 WHERE partition = 0`,
    );

    await beginIncarnation(db, {
      pipeline: uid,
      partition: 0,
      incarnation: 1,
      lastId: '7-1',
      accepted: 0n,
    });

    expect(await readPartitions(db, uid)).toMatchObject([{ acceptedBefore: 60n, lost: 0n }, {}]);
  });

  it('tells the living from the dead by the clock of the database', async () => {
    await using pipeline = await preparedPipeline();
    const { db, uid } = pipeline;
    await beat(db, { pipeline: uid, member: 'b', role: 'worker', committed: 5n, busyMs: 9n });
    await beat(db, { pipeline: uid, member: 'B', role: 'gateway' });
    await beat(db, { pipeline: uid, member: 'old', role: 'worker' });
    await beat(db, { pipeline: uid, member: 'dead', role: 'worker' });
    await beat(db, { pipeline: uid, member: 'gone', role: 'worker' });
    await pipeline.owner.query(
      `UPDATE millrace.increment_members SET seen_at = now() - CASE member
         WHEN 'old' THEN interval '4 s' ELSE interval '61 s' END WHERE member IN ('old', 'dead')`,
    );
    await leave(db, { pipeline: uid, member: 'gone' });
    await beat(db, { pipeline: uid, member: 'b', role: 'worker', committed: 6n, busyMs: 9n });

    expect(await livingMembers(db, uid)).toEqual([
      { member: 'B', role: 'gateway', committed: 0n, busyMs: 0n },
      { member: 'b', role: 'worker', committed: 6n, busyMs: 9n },
    ]);
    const { rowCount } = await db.query('SELECT FROM millrace.increment_members');
    expect(rowCount).toBe(3);
  });
});
