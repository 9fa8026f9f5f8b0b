/**
 * Which keys of the ring the values of a table were sealed under, as its chunks recorded them, and as
 * the records say that were replayed since: a replay seals under the key that is active then. A key that
 * is named here may not be taken out of the ring before a reseal.
 */
import type { Sql } from '../connectors/postgres/database.ts';
import type { ChunkRef } from './claim.ts';

const recordSql = 'UPDATE millrace.chunks SET sealing_key = $3 WHERE import = $1 AND chunk = $2';

export async function recordSealingKey(tx: Sql, ref: ChunkRef, keyId: string): Promise<void> {
  await tx.query(recordSql, [ref.import, ref.chunk, keyId]);
}

/** An envelope begins with its version, the length of the key's id, and the id. */
const inUseSql = `
SELECT c.sealing_key AS id FROM millrace.chunks c
JOIN millrace.imports i ON i.uid = c.import
WHERE i.target = $1 AND c.sealing_key IS NOT NULL
UNION SELECT encode(substring(r.record FROM 3 FOR get_byte(r.record, 1)), 'escape')
FROM millrace.replays r JOIN millrace.imports i ON i.uid = r.import
WHERE i.target = $1 AND r.record_sealed
ORDER BY id`;

export async function sealingKeysInUse(db: Sql, table: string): Promise<readonly string[]> {
  const { rows } = await db.query<{ id: string }>(inUseSql, [table]);
  return rows.map(({ id }) => id);
}
