/** Rejects of an import as they are stored, in the order of the source; opened where they are sealed. */
import type { Sql } from '../../connectors/postgres/database.ts';
import { sqlIdentifier } from '../../connectors/postgres/identifier.ts';
import { rejectBytes } from '../load/sealed-rejects.ts';
import { rejectsTable } from '../load/rejects.ts';
import type { Opener } from '../../sealing/opener.ts';

/** Longer than any record that is kept, and than any that a person repairs. */
export const rejectsPageRecordBytesMax = 64 * 1024 * 1024;

export interface RejectRow {
  /** Where the record begins in the source. */
  readonly offset: number;
  readonly chunk: number;
  readonly line: number | undefined;
  readonly raw: Buffer;
  readonly isTruncated: boolean;
  readonly column: string | undefined;
  readonly reason: string;
}

interface RawReject {
  readonly record_offset: string;
  readonly chunk: number;
  readonly line: string | null;
  readonly raw: Buffer;
  readonly raw_truncated: boolean;
  readonly column_name: string | null;
  readonly reason: string;
  /** Absent in tables that are older than sealed columns. */
  readonly raw_sealed?: boolean;
}

export interface RejectsOf {
  readonly table: string;
  readonly import: string;
  readonly opener: Opener;
}

/** At most 64 KiB each: a page fits into memory whatever is in it. */
const pageRows = 200;

export async function* readRejects(db: Sql, from: RejectsOf): AsyncGenerator<RejectRow> {
  const sql = `SELECT * FROM ${sqlIdentifier(rejectsTable(from.table))}
    WHERE import = $1 AND record_offset > $2 ORDER BY record_offset LIMIT ${pageRows}`;
  for (let after = -1; ;) {
    const { rows } = await db.query<RawReject>(sql, [from.import, after]);
    for (const row of rows) yield rejectOf(row, from);
    if (rows.length < pageRows) return;
    after = Number(rows.at(-1)?.record_offset);
  }
}

/** Locked until the transaction ends; undefined if it is no reject any more. */
export async function lockReject(
  tx: Sql,
  offset: number,
  from: RejectsOf,
): Promise<RejectRow | undefined> {
  const { rows } = await tx.query<RawReject>(
    `SELECT * FROM ${sqlIdentifier(rejectsTable(from.table))}
      WHERE import = $1 AND record_offset = $2 FOR UPDATE`,
    [from.import, offset],
  );
  const [row] = rows;
  return row === undefined ? undefined : rejectOf(row, from);
}

function rejectOf(row: RawReject, { table, import: uid, opener }: RejectsOf): RejectRow {
  const offset = Number(row.record_offset);
  const { raw, raw_sealed: isSealed = false } = row;
  return {
    offset,
    chunk: row.chunk,
    line: row.line === null ? undefined : Number(row.line),
    raw: rejectBytes(opener, { table, import: uid, recordOffset: offset, raw, isSealed }),
    isTruncated: row.raw_truncated,
    column: row.column_name ?? undefined,
    reason: row.reason,
  };
}
