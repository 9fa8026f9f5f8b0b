/**
 * Moves the position of a partition: the first write of every commit, and its fence. It is done from
 * exactly where the batch began, under the epoch of the owner, or not at all.
 */
import { Fault } from '@millrace/kit/fault';
import type { Sql } from '../../connectors/postgres/database.ts';
import type { Batch } from './batch.ts';
import { sumArrays } from './binary-array.ts';
import { upsertSql } from './upsert.ts';

/** What a worker believes of a partition that it owns. */
export interface Fence {
  readonly partition: number;
  readonly incarnation: number;
  readonly epoch: bigint;
  readonly lastId: string;
}

export interface CommitRequest {
  readonly pipeline: string;
  readonly table: string;
  readonly fence: Fence;
  readonly batch: Batch;
  readonly leaseMs: number;
  readonly windowMs: number;
}

/** By how much the counts of a partition grow, in increments. */
export interface Changes {
  readonly committed: number;
  readonly duplicates: number;
  readonly deadLetters: number;
}

const moveSql = `
UPDATE millrace.increment_partitions
SET last_id = $6, lease_until = clock_timestamp() + $7::float8 * interval '1 millisecond',
  committed_at = now(), committed = committed + $8, duplicates = duplicates + $9,
  dead_letters = dead_letters + $10
WHERE pipeline = $1 AND partition = $2 AND epoch = $3 AND incarnation = $4 AND last_id = $5`;

function moveValues(
  { pipeline, fence, batch, leaseMs }: CommitRequest,
  { committed, duplicates, deadLetters }: Changes,
): readonly unknown[] {
  const { partition, epoch, incarnation, lastId } = fence;
  const place = [pipeline, partition, epoch, incarnation, lastId];
  return [...place, batch.lastId, leaseMs, committed, duplicates, deadLetters];
}

// A process that freezes within the transaction must not keep the row from the next owner: the server
// ends it after the time of a lease.
const moveAndStaySql = `${moveSql}
RETURNING set_config('idle_in_transaction_session_timeout', $11, true)`;

/** False when the fence does not hold; nothing is written then. */
export async function movePosition(
  tx: Sql,
  request: CommitRequest,
  changes: Changes,
): Promise<boolean> {
  const values = [...moveValues(request, changes), String(request.leaseMs)];
  const { rowCount } = await tx.query(moveAndStaySql, values);
  return rowCount === 1;
}

/**
 * The same together with the sums, of which there must be some: without the row there is nothing to
 * add. The server finishes it by itself, whatever becomes of the one who asked.
 */
export async function moveAndAdd(
  sql: Sql,
  table: string,
  { position, changes }: { readonly position: CommitRequest; readonly changes: Changes },
): Promise<boolean> {
  const { keys, values } = sumArrays(position.batch.sums);
  const { rowCount } = await sql.query(
    `WITH moved AS (${moveSql} RETURNING 1)
     ${upsertSql(table, { keys: '$11', values: '$12', where: 'EXISTS (SELECT FROM moved)' })}`,
    [...moveValues(position, changes), keys, values],
  );
  return rowCount > 0;
}

const correctSql = `
UPDATE millrace.increment_partitions
SET committed = committed + $3, duplicates = duplicates + $4, dead_letters = dead_letters + $5
WHERE pipeline = $1 AND partition = $2`;

/** The position had to be moved before it was known what is a repetition or does not fit. */
export async function correctCounts(
  tx: Sql,
  { pipeline, fence }: CommitRequest,
  { from, to }: { readonly from: Changes; readonly to: Changes },
): Promise<void> {
  const { rowCount } = await tx.query(correctSql, [
    pipeline,
    fence.partition,
    to.committed - from.committed,
    to.duplicates - from.duplicates,
    to.deadLetters - from.deadLetters,
  ]);
  if (rowCount !== 1) throw new Fault('the row of a partition vanished under its lock');
}
