/**
 * Which queue announces the chunks of an import: its number, in the ledger like everything that
 * coordinator and workers must agree on. The queue is only a cache, so one that cannot be used is
 * left for the next number, and its messages are published again from the ledger.
 */
import type { Sql } from '../connectors/postgres/database.ts';

/** 1 for an import that the ledger does not know yet. */
export async function readQueueNumber(db: Sql, uid: string): Promise<number> {
  const { rows } = await db.query<{ queue: number }>(
    'SELECT queue FROM millrace.plans WHERE import = $1',
    [uid],
  );
  return rows[0]?.queue ?? 1;
}

/** Moves on from `from`, unless somebody has already; the number that holds now. */
export async function replaceQueue(db: Sql, uid: string, from: number): Promise<number> {
  await db.query('UPDATE millrace.plans SET queue = queue + 1 WHERE import = $1 AND queue = $2', [
    uid,
    from,
  ]);
  return await readQueueNumber(db, uid);
}
