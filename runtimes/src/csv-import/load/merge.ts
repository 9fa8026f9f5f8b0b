/**
 * The merge path: rows go to a temporary table by COPY and from there into the target by one
 * `INSERT … ON CONFLICT DO UPDATE … WHERE`. Right for any number of workers and any order of
 * chunks, because a position only ever moves one way: LatestWins keeps the highest, FirstWins the
 * lowest of this import and never another import's row. (SQL MERGE raises 23505 when two run at
 * once.)
 *
 * The temporary table is made once a session and emptied by each commit: no catalog rows per chunk.
 * It counts rows that are new and rows taken over from earlier imports; whatever else was accepted
 * lost its key to another record of this import, or won it from one. That is what `superseded` is.
 */
import { createHash } from 'node:crypto';
import type { Session } from '../../connectors/postgres/database.ts';
import { sqlIdentifier } from '../../connectors/postgres/identifier.ts';
import type { Duplicate } from '../../chunks/duplicates.ts';
import { copyRows } from '../../rows/copy-rows.ts';
import type { RowBatch } from '../../rows/row-batch.ts';
import { basePosition } from '../../rows/row-encoder.ts';
import { storeStrictly, strictStatements, type StrictStatements } from './strict.ts';
import { positionColumn, returnsOldRows, type Target } from './target.ts';

/** Fail keeps what FirstWins keeps, and notes who lost, for the verdict at the end. */
export type OnConflict = 'LatestWins' | 'FirstWins' | 'Fail';

export interface Stored {
  /** Keys that had no row before. */
  readonly inserted: number;
  /** Keys whose row was an earlier import's, or nobody's. */
  readonly takenOver: number;
  /** Under Fail: records that lost their key, at most as many as a verdict names. */
  readonly duplicates?: readonly Duplicate[];
}

export interface MergeStatements {
  readonly createStage: string;
  readonly copyStage: string;
  readonly emptyStage: string;
  /** Locks and counts the rows that will be taken over; only where RETURNING cannot say it. */
  readonly countEarlier?: string;
  readonly merge: string;
  /** Instead of `merge` under Fail. */
  readonly strict?: StrictStatements;
}

export interface MergeOptions {
  readonly target: Target;
  readonly onConflict: OnConflict;
  readonly sequence: number;
}

export function mergeStatements(options: MergeOptions): MergeStatements {
  const { target } = options;
  const columns = [...target.columns.map((column) => column.name), positionColumn];
  const types = [...target.columns.map((column) => column.stageType), 'bigint'];
  const list = columns.map(sqlIdentifier).join(', ');
  const definitions = columns.map((name, index) => `${sqlIdentifier(name)} ${types[index] ?? ''}`);
  const digest = createHash('sha256').update(definitions.join()).digest('hex').slice(0, 16);
  const stage = `pg_temp.millrace_stage_${digest}`;
  const createStage = `CREATE TEMPORARY TABLE IF NOT EXISTS millrace_stage_${digest} (${definitions.join(', ')}) ON COMMIT DELETE ROWS`;
  const canReturnOld = target.serverVersion >= returnsOldRows;
  const needsCount = !canReturnOld && options.onConflict === 'LatestWins';
  return {
    createStage,
    copyStage: `COPY ${stage} (${list}) FROM STDIN (FORMAT binary)`,
    emptyStage: `TRUNCATE ${stage}`,
    ...(needsCount ? { countEarlier: countEarlierSql(options, stage) } : {}),
    merge: mergeSql(options, { list, stage, canReturnOld }),
    ...(options.onConflict === 'Fail'
      ? { strict: strictStatements(options, { list, stage }) }
      : {}),
  };
}

interface MergeParts {
  readonly list: string;
  readonly stage: string;
  readonly canReturnOld: boolean;
}

function mergeSql(options: MergeOptions, parts: MergeParts): string {
  const { target, onConflict, sequence } = options;
  const position = sqlIdentifier(positionColumn);
  const base = basePosition(sequence);
  const key = target.key.map(sqlIdentifier).join(', ');
  const updates = target.columns
    .map((column) => column.name)
    .filter((name) => !target.key.includes(name))
    .concat(positionColumn)
    .map((name) => `${sqlIdentifier(name)} = excluded.${sqlIdentifier(name)}`);
  // Every position of an earlier import is lower than all of ours, so FirstWins leaves its rows alone.
  // Those of later imports are higher, which only a replay can meet: they are left alone too.
  const condition =
    onConflict === 'LatestWins'
      ? `excluded.${position} > held.${position}`
      : `excluded.${position} < held.${position} AND held.${position} < ${basePosition(sequence + 1)}`;
  // xmax of a returned row is 0 only if this statement inserted it; used before version 18 only.
  const before = parts.canReturnOld
    ? `old.${position} AS before`
    : `CASE WHEN held.xmax = 0 THEN NULL ELSE ${base} END AS before`;
  return `WITH merged AS (
    INSERT INTO ${sqlIdentifier(target.table)} AS held (${parts.list}) ${source(options, parts)}
    ON CONFLICT (${key}) DO UPDATE SET ${updates.join(', ')} WHERE ${condition}
    RETURNING ${before})
  SELECT count(*) FILTER (WHERE before IS NULL)::int AS inserted,
    count(*) FILTER (WHERE before < ${base})::int AS taken_over FROM merged`;
}

/**
 * The batch comes de-duplicated and in key order. Where Postgres may see equality that bytes do not
 * show (a nondeterministic collation), the server de-duplicates, since one statement may not touch
 * a row twice.
 */
function source(options: MergeOptions, { list, stage }: MergeParts): string {
  const { target, onConflict } = options;
  if (target.isKeyExact) return `SELECT ${list} FROM ${stage}`;
  const key = target.key.map(sqlIdentifier).join(', ');
  const direction = onConflict === 'LatestWins' ? 'DESC' : 'ASC';
  return `SELECT DISTINCT ON (${key}) ${list} FROM ${stage} ORDER BY ${key}, ${sqlIdentifier(positionColumn)} ${direction}`;
}

/**
 * Nobody but this import writes earlier positions, so rows locked here stay what they are and the
 * merge takes over exactly these.
 */
function countEarlierSql({ target, sequence }: MergeOptions, stage: string): string {
  const position = sqlIdentifier(positionColumn);
  const held = target.key.map((name) => `held.${sqlIdentifier(name)}`);
  const isSame = target.key.map(
    (name) => `held.${sqlIdentifier(name)} = stage.${sqlIdentifier(name)}`,
  );
  return `WITH earlier AS (
    SELECT 1 FROM ${sqlIdentifier(target.table)} AS held
    WHERE held.${position} < ${basePosition(sequence)}
      AND EXISTS (SELECT FROM ${stage} AS stage WHERE ${isSame.join(' AND ')})
    ORDER BY ${held.join(', ')} FOR UPDATE OF held)
  SELECT count(*)::int AS rows FROM earlier`;
}

/** Merges `rows` of the batch (all if undefined). The stage is empty before and after. */
export async function mergeRows(
  tx: Session,
  statements: MergeStatements,
  selection: { readonly batch: RowBatch; readonly rows: Uint32Array | undefined },
): Promise<Stored> {
  await tx.query(statements.createStage);
  const staged = await copyRows(tx.copyIn(statements.copyStage), selection.batch, selection.rows);
  if (statements.strict !== undefined) return await storeStrictly(tx, statements.strict, staged);
  const earlier = await countEarlier(tx, statements);
  const { rows } = await tx.query<{ inserted: number; taken_over: number }>(statements.merge);
  return {
    inserted: rows[0]?.inserted ?? 0,
    takenOver: earlier ?? rows[0]?.taken_over ?? 0,
  };
}

async function countEarlier(tx: Session, statements: MergeStatements): Promise<number | undefined> {
  if (statements.countEarlier === undefined) return undefined;
  const { rows } = await tx.query<{ rows: number }>(statements.countEarlier);
  return rows[0]?.rows ?? 0;
}
