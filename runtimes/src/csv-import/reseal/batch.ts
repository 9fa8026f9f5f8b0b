/**
 * One batch of a reseal: rows of some blocks whose values are not under the active key are locked,
 * opened, sealed again and written, in one transaction.
 *
 * Rows that somebody else has locked are left for another pass, so a reseal waits for nobody and cannot
 * be part of a deadlock. A row that is locked here stays where it is and as it is until the commit.
 */
import type { Database, Session } from '../../connectors/postgres/database.ts';
import { sqlIdentifier } from '../../connectors/postgres/identifier.ts';
import { blindIndex } from '../../sealing/blind-index.ts';
import type { SealingKey } from '../../sealing/key-ring.ts';
import type { Opener } from '../../sealing/opener.ts';
import { Sealer } from '../../sealing/sealer.ts';
import type { SealedRelation } from './relation.ts';

export interface Blocks {
  /** Quoted and qualified: a partition of the relation, or the relation itself. */
  readonly leaf: string;
  readonly from: number;
  readonly to: number;
}

export interface BatchOptions {
  readonly relation: SealedRelation;
  readonly opener: Opener;
  readonly active: SealingKey;
}

interface RawRow {
  readonly tid: string;
  readonly identity: readonly Buffer[];
  readonly values: readonly (Buffer | null)[];
}

/** Rows that were sealed again. */
export async function resealBlocks(
  db: Database,
  blocks: Blocks,
  options: BatchOptions,
): Promise<number> {
  return await db.transaction(async (tx) => {
    const { rows } = await tx.query<RawRow>(selectSql(blocks, options), []);
    if (rows.length > 0) await writeRows(tx, blocks, { ...options, rows });
    return rows.length;
  });
}

/** True for an envelope of another key than this one. */
export function isOtherSql(column: string, { id }: SealingKey): string {
  const head = Buffer.concat([Buffer.from([1, id.length]), Buffer.from(id, 'latin1')]);
  const name = sqlIdentifier(column);
  return `(${name} IS NOT NULL AND substring(${name} FROM 1 FOR ${head.length}) <> '\\x${head.toString('hex')}'::bytea)`;
}

function selectSql({ leaf, from, to }: Blocks, { relation, active }: BatchOptions): string {
  const values = relation.fields.map(({ column }) => sqlIdentifier(column));
  const others = relation.fields.map(({ column }) => isOtherSql(column, active));
  return `
SELECT ctid::text AS tid, ARRAY[${relation.identity.join(', ')}] AS identity, ARRAY[${values.join(', ')}] AS values
FROM ${leaf}
WHERE ctid >= '(${from},0)'::tid AND ctid < '(${to},0)'::tid AND ${relation.condition} AND (${others.join(' OR ')})
FOR NO KEY UPDATE SKIP LOCKED`;
}

async function writeRows(
  tx: Session,
  { leaf }: Blocks,
  { relation, opener, active, rows }: BatchOptions & { readonly rows: readonly RawRow[] },
): Promise<void> {
  const sealer = new Sealer(active);
  const sets: string[] = [];
  const lists: (readonly (Buffer | null)[])[] = [];
  const written = (column: string, list: readonly (Buffer | null)[]): void => {
    lists.push(list);
    sets.push(`${sqlIdentifier(column)} = v.c${lists.length}`);
  };
  for (const [at, field] of relation.fields.entries()) {
    const plain = rows.map(({ identity, values }) => {
      const value = values[at] ?? null;
      return value === null ? null : opener.open(value, field.place(identity));
    });
    const sealed = rows.map(({ identity }, row) => {
      const value = plain[row] ?? null;
      return value === null ? null : sealer.seal(value, field.place(identity));
    });
    written(field.column, sealed);
    if (field.index === undefined) continue;
    const { column, place } = field.index;
    written(
      column,
      plain.map((value) => (value === null ? null : blindIndex(active, place, value))),
    );
  }
  const names = lists.map((_, at) => `c${at + 1}`);
  await tx.query(
    `UPDATE ${leaf} t SET ${sets.join(', ')}
     FROM unnest($1::tid[], ${names.map((_, at) => `$${at + 2}::bytea[]`).join(', ')}) v(tid, ${names.join(', ')})
     WHERE t.ctid = v.tid`,
    [rows.map(({ tid }) => tid), ...lists],
  );
}
