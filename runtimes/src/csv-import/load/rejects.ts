/**
 * The rejects table: every record that is no row, with where it was and why, written in the
 * transaction of its chunk. Its key (import, offset) makes a second write of one record an error.
 */
import { sqlIdentifier } from '../../connectors/postgres/identifier.ts';
import type { Session, Sql } from '../../connectors/postgres/database.ts';
import { CopyBuffer, copyHeader, copyTrailer } from '../../rows/copy-buffer.ts';
import type { RejectReason } from '../../rows/reject-reason.ts';
import { rejectPlace } from '../../sealing/associated-data.ts';
import type { Sealer } from '../../sealing/sealer.ts';

export interface Reject {
  /** The record within its chunk. */
  readonly start: number;
  readonly end: number;
  /** 1 for the chunk's first line. */
  readonly line: number;
  readonly reason: RejectReason;
  readonly column?: string;
  /** What the server named: a constraint or a SQLSTATE. Never a value. */
  readonly detail?: string;
  /** The chunk holds only the record's beginning. */
  readonly isTruncated?: boolean;
}

export interface RejectedChunk {
  readonly importUid: string;
  readonly chunk: number;
  readonly bytes: Buffer;
  readonly offset: number;
  /** The line of the file on which the chunk starts, if known. */
  readonly firstLine?: number;
  readonly rejects: readonly Reject[];
  /** Given where a column is sealed: then raw bytes are sealed too. */
  readonly sealer?: Sealer;
}

/** Enough of a record to see what is wrong; a 16 MiB record is not copied into the table. */
const rawBytesMax = 64 * 1024;
const sliceBytes = 512 * 1024;

/** At most 63 bytes, since targets have at most 55. */
export function rejectsTable(table: string): string {
  return `${table}_rejects`;
}

export async function createRejectsTable(owner: Sql, table: string): Promise<void> {
  await owner.query(`CREATE TABLE IF NOT EXISTS ${sqlIdentifier(rejectsTable(table))} (
    import uuid NOT NULL,
    chunk integer NOT NULL,
    record_offset bigint NOT NULL,
    line bigint,
    raw bytea NOT NULL,
    raw_truncated boolean NOT NULL DEFAULT false,
    column_name text,
    reason text NOT NULL,
    detail text,
    PRIMARY KEY (import, record_offset)
  )`);
}

/** The table may be older than the first import that seals. */
export async function addSealedMark(owner: Sql, table: string): Promise<void> {
  await owner.query(
    `ALTER TABLE ${sqlIdentifier(rejectsTable(table))}
      ADD COLUMN IF NOT EXISTS ${sealedMark} boolean NOT NULL DEFAULT false`,
  );
}

/** True where `raw` is an envelope, bound to the place of its record; see sealing/. */
export const sealedMark = 'raw_sealed';

const columns =
  'import, chunk, record_offset, line, raw, raw_truncated, column_name, reason, detail';
const columnCount = 9;

export async function writeRejects(
  tx: Session,
  table: string,
  chunk: RejectedChunk,
): Promise<void> {
  if (chunk.rejects.length === 0) return;
  const names = chunk.sealer === undefined ? columns : `${columns}, ${sealedMark}`;
  const copy = tx.copyIn(
    `COPY ${sqlIdentifier(rejectsTable(table))} (${names}) FROM STDIN (FORMAT binary)`,
  );
  const uid = Buffer.from(chunk.importUid.replaceAll('-', ''), 'hex');
  let out = new CopyBuffer(2 * sliceBytes);
  await copy.write(copyHeader);
  for (const reject of chunk.rejects) {
    writeReject(out, chunk, { reject, uid, table });
    if (out.at < sliceBytes) continue;
    await copy.write(out.bytes.subarray(0, out.at));
    // The driver may still hold the slice, so the next one is a new buffer.
    out = new CopyBuffer(2 * sliceBytes);
  }
  await copy.write(out.bytes.subarray(0, out.at));
  await copy.write(copyTrailer);
  await copy.end();
}

function writeReject(
  out: CopyBuffer,
  chunk: RejectedChunk,
  { reject, uid, table }: { readonly reject: Reject; readonly uid: Buffer; readonly table: string },
): void {
  const { sealer } = chunk;
  const rawEnd = Math.min(reject.end, reject.start + rawBytesMax);
  out.reserve(rawEnd - reject.start + 1024);
  out.view.setInt16(out.at, columnCount + (sealer === undefined ? 0 : 1));
  out.at += 2;
  out.writeBytes(uid, 0, uid.length);
  out.writeInt32(chunk.chunk);
  out.writeSafeInteger(chunk.offset + reject.start);
  if (chunk.firstLine === undefined) out.writeNull();
  else out.writeSafeInteger(chunk.firstLine + reject.line - 1);
  if (sealer === undefined) out.writeBytes(chunk.bytes, reject.start, rawEnd);
  else {
    const place = rejectPlace(table, chunk.importUid, chunk.offset + reject.start);
    const sealed = sealer.seal(chunk.bytes.subarray(reject.start, rawEnd), place);
    out.writeBytes(sealed, 0, sealed.length);
  }
  writeBoolean(out, rawEnd < reject.end || reject.isTruncated === true);
  writeName(out, reject.column);
  writeName(out, reject.reason);
  writeName(out, reject.detail);
  if (sealer !== undefined) writeBoolean(out, true);
}

function writeBoolean(out: CopyBuffer, value: boolean): void {
  out.view.setInt32(out.at, 1);
  out.bytes[out.at + 4] = value ? 1 : 0;
  out.at += 5;
}

function writeName(out: CopyBuffer, name: string | undefined): void {
  if (name === undefined) {
    out.writeNull();
    return;
  }
  const bytes = Buffer.from(name);
  out.writeBytes(bytes, 0, bytes.length);
}
