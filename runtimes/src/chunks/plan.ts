/**
 * The chunk plan as it grows: chunks are appended in file order, each exactly once.
 *
 * Appending locks the plan's row and only appends what continues it, so two coordinators that cut the
 * same source (boundaries are a function of the pinned source and dialect) write one plan.
 */
import type { Session, Sql } from '../connectors/postgres/database.ts';
import { assert } from '@millrace/kit/fault';

export interface Plan {
  readonly plannedTo: number;
  readonly nextLine: number;
  readonly chunks: number;
  readonly complete: boolean;
  readonly stopping: boolean;
  readonly comments: number;
  readonly blank: number;
}

interface RawPlan {
  readonly planned_to: string;
  readonly next_line: string;
  readonly chunks: number;
  readonly plan_complete: boolean;
  readonly stopping: boolean;
  readonly comments: string;
  readonly blank: string;
}

const readSql = `
SELECT planned_to, next_line, chunks, plan_complete, stopping, comments, blank
FROM millrace.plans WHERE import = $1`;

export async function readPlan(db: Sql, uid: string): Promise<Plan> {
  return toPlan((await db.query<RawPlan>(readSql, [uid])).rows[0]);
}

function toPlan(row: RawPlan | undefined): Plan {
  assert(row !== undefined, 'a registered import has a plan');
  return {
    plannedTo: Number(row.planned_to),
    nextLine: Number(row.next_line),
    chunks: row.chunks,
    complete: row.plan_complete,
    stopping: row.stopping,
    comments: Number(row.comments),
    blank: Number(row.blank),
  };
}

export interface CutChunk {
  readonly offset: number;
  readonly length: number;
  /** 1-based line of the file on which it begins. */
  readonly firstLine: number;
  readonly tooLong: boolean;
  /** Of its bytes, where the source has no versions. */
  readonly digest?: Buffer;
}

export interface PlannedChunk extends CutChunk {
  readonly chunk: number;
}

export interface Addition {
  readonly chunks: readonly CutChunk[];
  /** The line after the last chunk. */
  readonly nextLine: number;
  /** Whether these are the last. */
  readonly complete: boolean;
}

const insertSql = `
INSERT INTO millrace.chunks (import, chunk, "offset", length, first_line, too_long, digest)
SELECT $1, c.chunk, c."offset", c.length, c.first_line, c.too_long, c.digest
FROM unnest($2::int[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bool[], $7::bytea[])
  AS c (chunk, "offset", length, first_line, too_long, digest)`;
const advanceSql = `
UPDATE millrace.plans
SET planned_to = $2, next_line = $3, chunks = $4, plan_complete = $5 WHERE import = $1`;

/** Appends and numbers what continues the plan; what another coordinator wrote already is left out. */
export async function appendChunks(
  tx: Session,
  uid: string,
  addition: Addition,
): Promise<PlannedChunk[]> {
  const { rows } = await tx.query<RawPlan>(`${readSql} FOR UPDATE`, [uid]);
  const plan = toPlan(rows[0]);
  if (plan.complete) return [];
  const fresh = addition.chunks.filter((chunk) => chunk.offset >= plan.plannedTo);
  const numbered = fresh.map((chunk, index) => ({ ...chunk, chunk: plan.chunks + index }));
  const last = numbered.at(-1);
  assert(
    last === undefined || numbered[0]?.offset === plan.plannedTo,
    'chunks continue the plan without a gap',
  );
  if (numbered.length > 0) {
    await tx.query(insertSql, [
      uid,
      numbered.map((chunk) => chunk.chunk),
      numbered.map((chunk) => chunk.offset),
      numbered.map((chunk) => chunk.length),
      numbered.map((chunk) => chunk.firstLine),
      numbered.map((chunk) => chunk.tooLong),
      numbered.map((chunk) => chunk.digest ?? null),
    ]);
  }
  await tx.query(advanceSql, [
    uid,
    last === undefined ? plan.plannedTo : last.offset + last.length,
    last === undefined ? plan.nextLine : addition.nextLine,
    plan.chunks + numbered.length,
    addition.complete,
  ]);
  return numbered;
}
