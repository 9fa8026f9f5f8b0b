/**
 * Adds sums to the table, in the order of keys: everybody who locks several rows does so in this
 * order, so that two of them cannot lock each other out.
 */
import type { Sql } from '../../connectors/postgres/database.ts';
import { sqlIdentifier } from '../../connectors/postgres/identifier.ts';
import { sumArrays } from './binary-array.ts';
import type { KeySums } from './key-sums.ts';

export interface UpsertParts {
  /** The parameters, such as $1. */
  readonly keys: string;
  readonly values: string;
  readonly where: string;
}

export function upsertSql(table: string, { keys, values, where }: UpsertParts): string {
  return `INSERT INTO ${sqlIdentifier(table)} AS t (key, value, updated_at)
    SELECT key, value, now() FROM unnest(${keys}::uuid[], ${values}::bigint[]) AS new (key, value)
    WHERE ${where}
    ON CONFLICT (key) DO UPDATE
    SET value = t.value + excluded.value, updated_at = excluded.updated_at`;
}

export async function upsertSums(tx: Sql, table: string, sums: KeySums): Promise<void> {
  if (sums.size === 0) return;
  const { keys, values } = sumArrays(sums);
  await tx.query(upsertSql(table, { keys: '$1', values: '$2', where: 'true' }), [keys, values]);
}
