/**
 * Streams only some fields of a batch's rows into a COPY, each behind the index it has in the given
 * selection, so that the server's answer about them can be matched without sending them back.
 */
import { CopyBuffer, copyHeader, copyTrailer } from './copy-buffer.ts';
import type { CopyTarget } from './copy-rows.ts';
import type { RowBatch } from './row-batch.ts';

const sliceBytes = 512 * 1024;
const rowHeaderBytes = 2;

export interface KeySelection {
  readonly fields: readonly number[];
  readonly rows: Uint32Array;
}

export async function copyKeys(
  target: CopyTarget,
  batch: RowBatch,
  { fields, rows }: KeySelection,
): Promise<number> {
  let out = new CopyBuffer(sliceBytes + 64 * 1024);
  await target.write(copyHeader);
  for (let index = 0; index < rows.length; index += 1) {
    const row = rows[index] as number;
    out.reserve(batch.end(row) - batch.start(row) + 16);
    out.view.setInt16(out.at, fields.length + 1);
    out.at += rowHeaderBytes;
    out.writeInt32(index);
    for (const field of fields) appendField(out, batch, { row, field });
    if (out.at < sliceBytes) continue;
    await target.write(out.bytes.subarray(0, out.at));
    // The driver may still hold the slice, so the next one is a new buffer.
    out = new CopyBuffer(sliceBytes + 64 * 1024);
  }
  await target.write(out.bytes.subarray(0, out.at));
  await target.write(copyTrailer);
  return target.end();
}

function appendField(
  out: CopyBuffer,
  batch: RowBatch,
  { row, field }: { readonly row: number; readonly field: number },
): void {
  const { view, bytes } = batch.out;
  let at = batch.start(row) + rowHeaderBytes;
  for (let skipped = 0; skipped < field; skipped += 1) at += 4 + Math.max(0, view.getInt32(at));
  out.appendBytes(bytes, at, at + 4 + view.getInt32(at));
}
