/**
 * Which keys of the ring the values of a table were sealed under, as its chunks recorded them. A key
 * that is named here may not be taken out of the ring before a reseal.
 */
import type { Sql } from '../connectors/postgres/database.ts';
import type { ChunkRef } from './claim.ts';

const recordSql = 'UPDATE millrace.chunks SET sealing_key = $3 WHERE import = $1 AND chunk = $2';

export async function recordSealingKey(tx: Sql, ref: ChunkRef, keyId: string): Promise<void> {
  await tx.query(recordSql, [ref.import, ref.chunk, keyId]);
}

const inUseSql = `
SELECT DISTINCT c.sealing_key AS id FROM millrace.chunks c
JOIN millrace.imports i ON i.uid = c.import
WHERE i.target = $1 AND c.sealing_key IS NOT NULL ORDER BY id`;

export async function sealingKeysInUse(db: Sql, table: string): Promise<readonly string[]> {
  const { rows } = await db.query<{ id: string }>(inUseSql, [table]);
  return rows.map(({ id }) => id);
}
