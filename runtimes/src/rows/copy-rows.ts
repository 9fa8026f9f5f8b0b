/**
 * Streams the rows of a batch into a COPY, in a given order, a slice at a time.
 *
 * Peak memory is the batch plus two slices. Rows in batch order are written from the batch itself;
 * others are gathered into slices that take turns. A slice may be filled again once the one after it
 * is taken: a driver keeps less than `sliceBytes` back, and two neighbours are always more than that.
 */
import { copyHeader, copyTrailer } from './copy-buffer.ts';
import type { RowBatch } from './row-batch.ts';

/** Where rows go; the Postgres connector's COPY is one. */
export interface CopyTarget {
  /** Resolves when the bytes are taken; at most a socket's high-water mark of them is kept back. */
  write(bytes: Buffer): Promise<void>;
  end(): Promise<number>;
}

/** Writes all rows, or those in `rows`; returns how many the server took. */
export async function copyRows(
  target: CopyTarget,
  batch: RowBatch,
  rows: Uint32Array | undefined,
): Promise<number> {
  await target.write(copyHeader);
  if (rows === undefined) await writeRange(target, batch, { start: 0, end: batch.out.at });
  else await writeSome(target, batch, rows);
  await target.write(copyTrailer);
  return target.end();
}

async function writeRange(
  target: CopyTarget,
  batch: RowBatch,
  range: { readonly start: number; readonly end: number },
): Promise<void> {
  const step = batch.slices[0].length;
  for (let start = range.start; start < range.end; start += step) {
    await target.write(batch.out.bytes.subarray(start, Math.min(start + step, range.end)));
  }
}

async function writeSome(target: CopyTarget, batch: RowBatch, rows: Uint32Array): Promise<void> {
  const { bytes } = batch.out;
  let [slice, other] = batch.slices;
  let filled = 0;
  for (const row of rows) {
    const start = batch.start(row);
    const end = batch.end(row);
    if (filled + end - start > slice.length) {
      await target.write(slice.subarray(0, filled));
      [slice, other] = [other, slice];
      filled = 0;
    }
    if (end - start > slice.length) await writeRange(target, batch, { start, end });
    else filled += bytes.copy(slice, filled, start, end);
  }
  await target.write(slice.subarray(0, filled));
}
