/**
 * Adds sums to the table, in the order of keys: everybody who locks several rows does so in this
 * order, so that two of them cannot lock each other out.
 */
import type { Sql } from '../../connectors/postgres/database.ts';
import { sqlIdentifier } from '../../connectors/postgres/identifier.ts';
import { sumArrays } from './binary-array.ts';
import type { KeySums } from './key-sums.ts';

export async function upsertSums(tx: Sql, table: string, sums: KeySums): Promise<void> {
  if (sums.size === 0) return;
  const { keys, values } = sumArrays(sums);
  await tx.query(
    `INSERT INTO ${sqlIdentifier(table)} AS t (key, value, updated_at)
     SELECT key, value, now() FROM unnest($1::uuid[], $2::bigint[]) AS new (key, value)
     ON CONFLICT (key) DO UPDATE
     SET value = t.value + excluded.value, updated_at = excluded.updated_at`,
    [keys, values],
  );
}
