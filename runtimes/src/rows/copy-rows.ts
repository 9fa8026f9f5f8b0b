/**
 * Streams the rows of a batch into a COPY, in a given order, a slice at a time.
 *
 * Peak memory is the batch plus what the socket has not taken: each write waits for the one before
 * it. Rows in batch order are written from the batch itself; others are gathered into slices, each a
 * new buffer, because a driver may still hold the one before.
 */
import { copyHeader, copyTrailer } from './copy-buffer.ts';
import type { RowBatch } from './row-batch.ts';

/** Where rows go; the Postgres connector's COPY is one. */
export interface CopyTarget {
  write(bytes: Buffer): Promise<void>;
  end(): Promise<number>;
}

/** Large enough that calls do not count, small enough that two are nothing. */
const sliceBytes = 512 * 1024;

/** Writes all rows, or those in `rows`; returns how many the server took. */
export async function copyRows(
  target: CopyTarget,
  batch: RowBatch,
  rows: Uint32Array | undefined,
): Promise<number> {
  await target.write(copyHeader);
  await (rows === undefined ? writeAll(target, batch) : writeSome(target, batch, rows));
  await target.write(copyTrailer);
  return target.end();
}

async function writeAll(target: CopyTarget, batch: RowBatch): Promise<void> {
  const { bytes, at } = batch.out;
  for (let start = 0; start < at; start += sliceBytes) {
    await target.write(bytes.subarray(start, Math.min(start + sliceBytes, at)));
  }
}

async function writeSome(target: CopyTarget, batch: RowBatch, rows: Uint32Array): Promise<void> {
  const { bytes } = batch.out;
  for (let from = 0; from < rows.length;) {
    let length = 0;
    let to = from;
    for (; to < rows.length && length < sliceBytes; to += 1) {
      length += batch.end(rows[to] as number) - batch.start(rows[to] as number);
    }
    const slice = Buffer.allocUnsafeSlow(length);
    let at = 0;
    for (; from < to; from += 1) {
      at += bytes.copy(
        slice,
        at,
        batch.start(rows[from] as number),
        batch.end(rows[from] as number),
      );
    }
    await target.write(slice);
  }
}
