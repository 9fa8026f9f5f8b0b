/**
 * The direct path: COPY straight into the target, inside a savepoint. Fast where keys do not meet,
 * useless where they do, since one duplicate ends the COPY; the caller then merges the chunk and
 * after a few such chunks no longer tries.
 */
import { DataError } from '../../connectors/postgres/data-error.ts';
import type { Session } from '../../connectors/postgres/database.ts';
import { sqlIdentifier } from '../../connectors/postgres/identifier.ts';
import { copyRows } from '../../rows/copy-rows.ts';
import type { RowBatch } from '../../rows/row-batch.ts';
import { Transient } from '@millrace/kit/transient';
import { positionColumn, type Target } from './target.ts';

export function copyTargetSql(target: Target): string {
  const names = target.columns.map((column) => column.name);
  if (target.hasPosition) names.push(positionColumn);
  return `COPY ${sqlIdentifier(target.table)} (${names.map(sqlIdentifier).join(', ')}) FROM STDIN (FORMAT binary)`;
}

export interface Selection {
  readonly batch: RowBatch;
  /** Which rows in which order; undefined for all as they are. */
  readonly rows: Uint32Array | undefined;
}

export async function copyToTarget(
  tx: Session,
  statement: string,
  { batch, rows }: Selection,
): Promise<number> {
  return inSavepoint(tx, () => copyRows(tx.copyIn(statement), batch, rows));
}

const uniqueViolation = '23505';

/** Another record has the key, or two workers waited for each other's: merging settles both. */
export function isKeyConflict(error: unknown): boolean {
  if (error instanceof DataError) return error.sqlstate === uniqueViolation;
  return error instanceof Transient && error.code === 'Deadlock';
}

/** Thrown by work that has broken off by itself and wants its savepoint rolled back. */
export const givenUp = new Error('given up');

/**
 * Runs `work` in a savepoint. After an error that the transaction can survive it is as if the work
 * had not begun; the error is thrown on. Deferred constraints are checked at once: at the commit
 * nobody could tell which record broke them.
 */
export async function inSavepoint<T>(tx: Session, work: () => Promise<T>): Promise<T> {
  await tx.query('SET CONSTRAINTS ALL IMMEDIATE; SAVEPOINT millrace_load');
  try {
    const result = await work();
    await tx.query('RELEASE SAVEPOINT millrace_load');
    return result;
  } catch (error) {
    if (error === givenUp || error instanceof DataError || isKeyConflict(error)) {
      await tx.query('ROLLBACK TO SAVEPOINT millrace_load; RELEASE SAVEPOINT millrace_load');
    }
    throw error;
  }
}
