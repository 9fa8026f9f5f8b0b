/**
 * Signs of life of the processes of a pipeline, by the database's clock.
 *
 * They decide nothing about what is added: a worker's share of the partitions follows from who is
 * alive, and people see how many there are. Members that were not seen for a minute are forgotten.
 */
import type { Sql } from '../../connectors/postgres/database.ts';

/** Beats come every second; two may be late before others take over the share. */
const aliveMs = 3_000;
const forgottenAfterMs = 60_000;

export type MemberRole = 'gateway' | 'worker';

export interface Member {
  readonly member: string;
  readonly role: MemberRole;
  /** Of a worker since it began: increments committed, and how long it was busy with them. */
  readonly committed: bigint;
  readonly busyMs: bigint;
}

export interface Beat {
  readonly pipeline: string;
  readonly member: string;
  readonly role: MemberRole;
  readonly committed?: bigint;
  readonly busyMs?: bigint;
}

const beatSql = `
WITH forgotten AS (
  DELETE FROM millrace.increment_members WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM millrace.increment_members
    WHERE pipeline = $1 AND member <> $2
      AND seen_at < clock_timestamp() - ${forgottenAfterMs} * interval '1 millisecond'
    FOR UPDATE SKIP LOCKED))
)
INSERT INTO millrace.increment_members (pipeline, member, role, seen_at, committed, busy_ms)
SELECT uid, $2, $3, clock_timestamp(), $4, $5 FROM millrace.increment_pipelines WHERE uid = $1
ON CONFLICT (pipeline, member) DO UPDATE
SET seen_at = excluded.seen_at, committed = excluded.committed, busy_ms = excluded.busy_ms`;

/** To be called every second. Does nothing for a pipeline that is not registered (any more). */
export async function beat(sql: Sql, sign: Beat): Promise<void> {
  const { pipeline, member, role, committed = 0n, busyMs = 0n } = sign;
  await sql.query(beatSql, [pipeline, member, role, committed, busyMs]);
}

/** A goodbye: others take over the share at once. */
export async function leave(
  sql: Sql,
  { pipeline, member }: Pick<Beat, 'pipeline' | 'member'>,
): Promise<void> {
  await sql.query('DELETE FROM millrace.increment_members WHERE pipeline = $1 AND member = $2', [
    pipeline,
    member,
  ]);
}

const livingSql = `
SELECT member, role, committed, busy_ms FROM millrace.increment_members
WHERE pipeline = $1 AND seen_at > clock_timestamp() - ${aliveMs} * interval '1 millisecond'
ORDER BY member COLLATE "C"`;

/** In the order of their names, the same for everybody. */
export async function livingMembers(sql: Sql, pipeline: string): Promise<readonly Member[]> {
  const { rows } = await sql.query<{
    member: string;
    role: MemberRole;
    committed: string;
    busy_ms: string;
  }>(livingSql, [pipeline]);
  return rows.map(({ member, role, committed, busy_ms: busyMs }) => ({
    member,
    role,
    committed: BigInt(committed),
    busyMs: BigInt(busyMs),
  }));
}
