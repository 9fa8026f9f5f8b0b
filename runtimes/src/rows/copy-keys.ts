/**
 * Streams only some fields of a batch's rows into a COPY, each behind the index it has in the given
 * selection, so that the server's answer about them can be matched without sending them back.
 * Slices take turns as in copy-rows.ts.
 */
import { copyHeader, copyTrailer } from './copy-buffer.ts';
import type { CopyTarget } from './copy-rows.ts';
import type { RowBatch } from './row-batch.ts';

/** Two bytes for the number of fields, eight for the index. */
const rowHeaderBytes = 2;
const indexFieldBytes = 8;

export interface KeySelection {
  readonly fields: readonly number[];
  readonly rows: Uint32Array;
}

export async function copyKeys(
  target: CopyTarget,
  batch: RowBatch,
  { fields, rows }: KeySelection,
): Promise<number> {
  let [slice, other] = batch.slices;
  let filled = 0;
  await target.write(copyHeader);
  for (let index = 0; index < rows.length; index += 1) {
    const row = rows[index] as number;
    // A key is never longer than its row; a huge one only takes a slice of its own.
    const room = rowHeaderBytes + indexFieldBytes + batch.end(row) - batch.start(row);
    if (filled > 0 && filled + room > slice.length) {
      await target.write(slice.subarray(0, filled));
      [slice, other] = [other, slice];
      filled = 0;
    }
    const into = room > slice.length ? Buffer.allocUnsafeSlow(room) : slice;
    filled = into.writeInt16BE(fields.length + 1, filled);
    filled = into.writeInt32BE(4, filled);
    filled = into.writeInt32BE(index, filled);
    for (const field of fields) filled += copyField({ batch, row, field }, into, filled);
    if (into === slice) continue;
    await target.write(into.subarray(0, filled));
    filled = 0;
  }
  await target.write(slice.subarray(0, filled));
  await target.write(copyTrailer);
  return target.end();
}

interface FieldAt {
  readonly batch: RowBatch;
  readonly row: number;
  readonly field: number;
}

function copyField({ batch, row, field }: FieldAt, into: Buffer, at: number): number {
  const { view, bytes } = batch.out;
  let from = batch.start(row) + rowHeaderBytes;
  for (let skipped = 0; skipped < field; skipped += 1) from += 4 + Math.max(0, view.getInt32(from));
  return bytes.copy(into, at, from, from + 4 + view.getInt32(from));
}
