/**
 * The table of the sums: created if it is absent, else checked to be one that sums can be kept in.
 *
 * A table that others made keeps everything it has; what would lose increments or could never be
 * written is refused with the remedy before anything is accepted.
 */
import { Permanent } from '@millrace/kit/permanent';
import type { Sql } from '../../connectors/postgres/database.ts';
import { sqlIdentifier } from '../../connectors/postgres/identifier.ts';

/** A page that is not full takes the next version of its rows without touching the index. */
const fillfactor = 70;

export function createTargetSql(table: string): string {
  return `CREATE TABLE ${sqlIdentifier(table)} (
    key uuid PRIMARY KEY, value bigint NOT NULL, updated_at timestamptz NOT NULL
  ) WITH (fillfactor = ${fillfactor})`;
}

interface Found {
  readonly kind: string;
  readonly persistence: string;
  readonly name: string | null;
  readonly type: string | null;
  readonly is_required: boolean | null;
  readonly is_nullable: boolean | null;
  readonly is_generated: boolean | null;
  readonly is_key: boolean | null;
}

const columnsSql = `
SELECT c.relkind::text AS kind, c.relpersistence::text AS persistence, a.attname AS name,
  format_type(a.atttypid, NULL) AS type, NOT a.attnotnull AS is_nullable,
  a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AS is_required,
  a.attgenerated <> '' OR a.attidentity = 'a' AS is_generated,
  EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indimmediate
    AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indnkeyatts = 1
    AND (i.indkey::int2[])[0] = a.attnum) AS is_key
FROM pg_class c
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.oid = to_regclass($1) ORDER BY a.attnum`;

const needed: readonly (readonly [string, string])[] = [
  ['key', 'uuid'],
  ['value', 'bigint'],
  ['updated_at', 'timestamp with time zone'],
];

/** Whether the table is there; throws TargetMismatch if sums cannot be kept in it. */
export async function checkTarget(sql: Sql, table: string): Promise<boolean> {
  const { rows } = await sql.query<Found>(columnsSql, [sqlIdentifier(table)]);
  const [first] = rows;
  if (first === undefined) return false;
  if (first.kind !== 'r' && first.kind !== 'p') {
    throw mismatch(table, 'is no table: name one, or let Millrace create it under another name');
  }
  if (first.persistence !== 'p') {
    throw mismatch(
      table,
      'is not logged, so a crash of Postgres would empty it: run ALTER TABLE … SET LOGGED',
    );
  }
  for (const [name, type] of needed) checkColumn(table, { name, type }, rows);
  const other = rows.find(
    ({ name, is_required: isRequired }) =>
      isRequired === true && !needed.some(([known]) => known === name),
  );
  if (other !== undefined) {
    throw mismatch(
      table,
      `has the column ${String(other.name)}, which is NOT NULL without a default: give it a default`,
    );
  }
  return true;
}

function checkColumn(
  table: string,
  { name, type }: { readonly name: string; readonly type: string },
  rows: readonly Found[],
): void {
  const column = rows.find((row) => row.name === name);
  if (column === undefined) {
    throw mismatch(table, `has no column ${name}: add it as ${type}, or name another table`);
  }
  if (column.type !== type || column.is_generated === true) {
    throw mismatch(
      table,
      `has the column ${name} of type ${String(column.type)}, and sums need a plain ${type}: change it, or name another table`,
    );
  }
  if (name === 'value' && column.is_nullable === true) {
    throw mismatch(
      table,
      'allows NULL in the column value, to which nothing can be added: run ALTER TABLE … ALTER COLUMN value SET NOT NULL',
    );
  }
  if (name === 'key' && column.is_key !== true) {
    throw mismatch(
      table,
      'has no primary key or unique index on exactly (key): create one, or name another table',
    );
  }
}

export function mismatch(table: string, what: string): Permanent {
  return new Permanent('TargetMismatch', `The table ${table} ${what}.`, { backend: 'postgres' });
}
