/**
 * The import's row: who it is, what is pinned about it, and which state it is in.
 *
 * Pinned values are written once; a restart reads them and never decides again. State changes name
 * the states they may come from, so that two coordinators cannot undo each other's verdicts.
 */
import type { Sql } from '../connectors/postgres/database.ts';

export type ImportState = 'Planning' | 'Loading' | 'Verifying' | 'Complete' | 'Failed' | 'Lost';

export interface ImportRow {
  readonly uid: string;
  readonly state: ImportState;
  readonly reason: string | undefined;
  readonly message: string | undefined;
  readonly seq: number | undefined;
  readonly target: string;
  readonly source: unknown;
  readonly dialect: unknown;
  readonly header: unknown;
  readonly columns: unknown;
  readonly chunkBytes: number;
  readonly targetWasEmpty: boolean | undefined;
}

export interface NewImport {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly target: string;
  readonly chunkBytes: number;
}

const registerTargetSql =
  'INSERT INTO millrace.targets (target_table) VALUES ($1) ON CONFLICT DO NOTHING';
const registerSql = `
INSERT INTO millrace.imports (uid, namespace, name, target, chunk_bytes)
VALUES ($1, $2, $3, $4, $5) ON CONFLICT (uid) DO NOTHING`;
const registerPlanSql =
  'INSERT INTO millrace.plans (import) VALUES ($1) ON CONFLICT (import) DO NOTHING';

/** Makes the import known, once; every later call finds what the first one wrote. */
export async function registerImport(tx: Sql, it: NewImport): Promise<void> {
  await tx.query(registerTargetSql, [it.target]);
  await tx.query(registerSql, [it.uid, it.namespace, it.name, it.target, it.chunkBytes]);
  await tx.query(registerPlanSql, [it.uid]);
}

interface RawImport {
  readonly state: ImportState;
  readonly reason: string | null;
  readonly message: string | null;
  readonly seq: string | null;
  readonly target: string;
  readonly source: unknown;
  readonly dialect: unknown;
  readonly header: unknown;
  readonly columns: unknown;
  readonly chunk_bytes: string;
  readonly target_was_empty: boolean | null;
}

const readSql = `
SELECT state, reason, message, seq, target, source, dialect, header, columns, chunk_bytes,
  target_was_empty
FROM millrace.imports WHERE uid = $1`;

export async function readImport(db: Sql, uid: string): Promise<ImportRow | undefined> {
  const { rows } = await db.query<RawImport>(readSql, [uid]);
  const [row] = rows;
  if (row === undefined) return undefined;
  return {
    uid,
    state: row.state,
    reason: row.reason ?? undefined,
    message: row.message ?? undefined,
    seq: row.seq === null ? undefined : Number(row.seq),
    target: row.target,
    source: row.source ?? undefined,
    dialect: row.dialect ?? undefined,
    header: row.header ?? undefined,
    columns: row.columns ?? undefined,
    chunkBytes: Number(row.chunk_bytes),
    targetWasEmpty: row.target_was_empty ?? undefined,
  };
}

export interface Pins {
  readonly source: object;
  readonly dialect: object;
  readonly header: object;
  readonly columns: object;
  readonly targetWasEmpty: boolean;
  /** Where data begins: the plan starts there. */
  readonly dataStart: number;
  readonly firstLine: number;
  readonly comments: number;
  readonly blank: number;
}

const pinSql = `
UPDATE millrace.imports
SET source = $2, dialect = $3, header = $4, columns = $5, target_was_empty = $6,
  state = 'Loading', reason = NULL, message = NULL
WHERE uid = $1 AND state = 'Planning'`;
const pinPlanSql = `
UPDATE millrace.plans
SET planned_to = $2, next_line = $3, comments = $4, blank = $5, stopping = false
WHERE import = $1`;

/** Pins everything and opens the import for loading; false when it was pinned before. */
export async function pinImport(tx: Sql, uid: string, pins: Pins): Promise<boolean> {
  const { rowCount } = await tx.query(pinSql, [
    uid,
    JSON.stringify(pins.source),
    JSON.stringify(pins.dialect),
    JSON.stringify(pins.header),
    JSON.stringify(pins.columns),
    pins.targetWasEmpty,
  ]);
  if (rowCount === 0) return false;
  await tx.query(pinPlanSql, [uid, pins.dataStart, pins.firstLine, pins.comments, pins.blank]);
  return true;
}

const changeSql = `
UPDATE millrace.imports
SET state = $3, reason = $4, message = $5,
  ended_at = CASE WHEN $3 IN ('Complete', 'Failed', 'Lost') THEN now() END
WHERE uid = $1 AND state = ANY ($2)`;

export interface StateChange {
  readonly from: readonly ImportState[];
  readonly to: ImportState;
  readonly reason?: string;
  readonly message?: string;
}

/** False when the import is in none of the states it may come from. */
export async function changeState(tx: Sql, uid: string, change: StateChange): Promise<boolean> {
  const { rowCount } = await tx.query(changeSql, [
    uid,
    change.from,
    change.to,
    change.reason ?? null,
    change.message ?? null,
  ]);
  return rowCount === 1;
}

/** A Failed import goes on where it stopped; any other is left as it is. Hold its target before. */
export async function reopenImport(tx: Sql, uid: string): Promise<void> {
  const it = await readImport(tx, uid);
  // Also for Loading: a coordinator may have died between its wish to stop and its verdict.
  if (it?.state === 'Failed' || it?.state === 'Loading') await setStopping(tx, uid, false);
  if (it?.state !== 'Failed') return;
  const to = it.dialect === undefined ? 'Planning' : 'Loading';
  // Attempts that were reason enough to fail would be so again, before anybody has tried anew.
  if (it.reason === 'ChunkRefused') await forgetAttempts(tx, uid);
  await changeState(tx, uid, { from: ['Failed'], to });
}

const forgetAttemptsSql = `
DELETE FROM millrace.attempts a USING millrace.chunks c
WHERE a.import = $1 AND c.import = a.import AND c.chunk = a.chunk AND c.done_at IS NULL`;

async function forgetAttempts(tx: Sql, uid: string): Promise<void> {
  await tx.query(forgetAttemptsSql, [uid]);
}

/**
 * Workers claim nothing more once this is committed. Said before the state is changed, because the
 * change waits for every claim in progress and new claims could keep it waiting.
 */
export async function setStopping(db: Sql, uid: string, stopping: boolean): Promise<void> {
  await db.query('UPDATE millrace.plans SET stopping = $2 WHERE import = $1', [uid, stopping]);
}
