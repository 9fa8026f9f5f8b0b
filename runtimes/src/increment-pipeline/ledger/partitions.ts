/**
 * The rows of the partitions: up to where each stream is in the sums, and which worker reads it.
 *
 * Time is the database's alone, so that clocks of hosts cannot disagree about a lease. A lease only
 * spares workers from reading the same stream twice; that nothing is added twice is for the epoch,
 * which goes up with every claim and which every commit asks for.
 */
import type { Sql } from '../../connectors/postgres/database.ts';

/** Three seconds: a dead owner is replaced within five, a pause of a second changes nothing. */
export const leaseMsDefault = 3_000;

export interface PartitionRow {
  readonly partition: number;
  readonly incarnation: number;
  /** The last entry whose increments are in the sums. */
  readonly lastId: string;
  /** Who claimed it last, unless it was released. */
  readonly owner?: string;
  readonly epoch: bigint;
  /** What is left of the lease, by the database’s clock; 0 when it is over. */
  readonly leaseMs: number;
  readonly committed: bigint;
  readonly duplicates: bigint;
  readonly deadLetters: bigint;
  readonly acceptedBefore: bigint;
  readonly lost: bigint;
}

interface Columns {
  readonly partition: number;
  readonly incarnation: number;
  readonly last_id: string;
  readonly owner: string | null;
  readonly epoch: string;
  readonly lease_ms: number;
  readonly committed: string;
  readonly duplicates: string;
  readonly dead_letters: string;
  readonly accepted_before: string;
  readonly lost: string;
}

const columns = `partition, incarnation, last_id, owner, epoch,
  coalesce(greatest(0, 1000 * extract(epoch FROM lease_until - clock_timestamp())), 0)::float8 AS lease_ms,
  committed, duplicates, dead_letters, accepted_before, lost`;

const readSql = `
SELECT ${columns} FROM millrace.increment_partitions WHERE pipeline = $1 ORDER BY partition`;

export async function readPartitions(sql: Sql, pipeline: string): Promise<readonly PartitionRow[]> {
  const { rows } = await sql.query<Columns>(readSql, [pipeline]);
  return rows.map(rowOf);
}

const readOneSql = `
SELECT ${columns} FROM millrace.increment_partitions WHERE pipeline = $1 AND partition = $2`;

/** Undefined when it is not registered (any more). */
export async function readPartition(
  sql: Sql,
  pipeline: string,
  partition: number,
): Promise<PartitionRow | undefined> {
  const { rows } = await sql.query<Columns>(readOneSql, [pipeline, partition]);
  return rows[0] === undefined ? undefined : rowOf(rows[0]);
}

export interface ClaimRequest {
  readonly pipeline: string;
  readonly owner: string;
  /** The partitions wanted, best first; those that somebody else took in between are left out. */
  readonly partitions: readonly number[];
  readonly leaseMs: number;
}

// A row whose lock is held is skipped: its owner is about to commit and thereby renews the lease, or
// is frozen within its transaction, which the server ends after three seconds.
const claimSql = `
WITH free AS MATERIALIZED (
  SELECT partition FROM millrace.increment_partitions
  WHERE pipeline = $1 AND partition = ANY ($3::int[])
    AND (owner IS NULL OR lease_until IS NULL OR lease_until < clock_timestamp())
  FOR UPDATE SKIP LOCKED
)
UPDATE millrace.increment_partitions p
SET owner = $2, epoch = p.epoch + 1,
  lease_until = clock_timestamp() + $4::float8 * interval '1 millisecond'
FROM free WHERE p.pipeline = $1 AND p.partition = free.partition
RETURNING ${columns.replace('partition,', 'p.partition,')}`;

/** Takes partitions that nobody holds; what was taken. */
export async function claimPartitions(
  sql: Sql,
  request: ClaimRequest,
): Promise<readonly PartitionRow[]> {
  const { pipeline, owner, partitions, leaseMs } = request;
  const { rows } = await sql.query<Columns>(claimSql, [pipeline, owner, partitions, leaseMs]);
  return rows.map(rowOf);
}

export interface RenewRequest {
  readonly pipeline: string;
  readonly owner: string;
  readonly leaseMs: number;
}

// A row that a commit of ours holds is skipped: the commit renews it.
const renewSql = `
WITH mine AS MATERIALIZED (
  SELECT partition FROM millrace.increment_partitions
  WHERE pipeline = $1 AND owner = $2 FOR UPDATE SKIP LOCKED
)
UPDATE millrace.increment_partitions p
SET lease_until = clock_timestamp() + $3::float8 * interval '1 millisecond'
FROM mine WHERE p.pipeline = $1 AND p.partition = mine.partition`;

/** Renews every lease of this owner, also one that ran out and that nobody took. */
export async function renewLeases(sql: Sql, request: RenewRequest): Promise<void> {
  const { pipeline, owner, leaseMs } = request;
  await sql.query(renewSql, [pipeline, owner, leaseMs]);
}

export interface Holding {
  readonly pipeline: string;
  readonly partition: number;
  readonly epoch: bigint;
}

const releaseSql = `
UPDATE millrace.increment_partitions SET owner = NULL, lease_until = NULL
WHERE pipeline = $1 AND partition = $2 AND epoch = $3`;

/** Gives a partition back, so that others need not wait for the end of the lease. */
export async function releasePartition(sql: Sql, holding: Holding): Promise<void> {
  const { pipeline, partition, epoch } = holding;
  await sql.query(releaseSql, [pipeline, partition, epoch]);
}

export interface EndedIncarnation {
  readonly pipeline: string;
  readonly partition: number;
  /** The incarnation that ended. */
  readonly incarnation: number;
  readonly lastId: string;
  /** The most increments that were ever known to be accepted by it. */
  readonly accepted: bigint;
}

// What an incarnation accepted and nobody accounted for is lost. The count of accepted increments may
// be gone together with the stream; then it is at least what was accounted for.
const beginSql = `
WITH ended AS MATERIALIZED (
  SELECT partition, committed + duplicates + dead_letters + lost AS known,
    greatest(accepted_before + $5::bigint, committed + duplicates + dead_letters + lost) AS accepted
  FROM millrace.increment_partitions
  WHERE pipeline = $1 AND partition = $2 AND incarnation = $3 AND last_id = $4
  FOR UPDATE
)
UPDATE millrace.increment_partitions p
SET incarnation = p.incarnation + 1, last_id = '0-0', accepted_before = ended.accepted,
  lost = p.lost + ended.accepted - ended.known
FROM ended WHERE p.pipeline = $1 AND p.partition = ended.partition`;

/** False when somebody else began the next incarnation, or a commit came in between: look again. */
export async function beginIncarnation(sql: Sql, ended: EndedIncarnation): Promise<boolean> {
  const { pipeline, partition, incarnation, lastId, accepted } = ended;
  const values = [pipeline, partition, incarnation, lastId, accepted];
  const { rowCount } = await sql.query(beginSql, values);
  return rowCount === 1;
}

function rowOf(row: Columns): PartitionRow {
  return {
    partition: row.partition,
    incarnation: row.incarnation,
    lastId: row.last_id,
    ...(row.owner === null ? {} : { owner: row.owner }),
    epoch: BigInt(row.epoch),
    leaseMs: row.lease_ms,
    committed: BigInt(row.committed),
    duplicates: BigInt(row.duplicates),
    deadLetters: BigInt(row.dead_letters),
    acceptedBefore: BigInt(row.accepted_before),
    lost: BigInt(row.lost),
  };
}
