import { describe, expect, it } from 'vitest';
import { copyKeys } from './copy-keys.ts';
import { copyRows, type CopyTarget } from './copy-rows.ts';
import { RowBatch } from './row-batch.ts';

/** A batch of rows of one text field, each of so many bytes. */
function batchOf(sizes: readonly number[]): RowBatch {
  const batch = new RowBatch();
  sizes.forEach((size, row) => {
    batch.out.reserve(size + 6);
    batch.out.view.setInt16(batch.out.at, 1);
    batch.out.at += 2;
    const text = Buffer.alloc(size, 0x61 + (row % 26));
    batch.out.writeBytes(text, 0, size);
    batch.add({ start: 0, end: 0, line: 1 });
  });
  return batch;
}

/** Looks at a slice only when the next one comes, as a socket may. */
function lazyTarget(): CopyTarget & { bytes(): Buffer } {
  let held: Buffer = Buffer.alloc(0);
  const taken: Buffer[] = [];
  return {
    write: async (bytes) => {
      taken.push(Buffer.from(held));
      held = bytes;
    },
    end: async () => {
      taken.push(Buffer.from(held));
      return 0;
    },
    bytes: () => Buffer.concat(taken),
  };
}

/** The texts of a binary COPY stream, by letter and length; with an index in front if it has one. */
function decode(stream: Buffer): readonly string[] {
  const rows: string[] = [];
  let at = 19;
  for (let fields = stream.readInt16BE(at); fields !== -1; fields = stream.readInt16BE(at)) {
    at += 2;
    const index = fields === 2 ? `${stream.readInt32BE(at + 4)}:` : '';
    if (fields === 2) at += 8;
    const length = stream.readInt32BE(at);
    rows.push(`${index}${String.fromCharCode(stream[at + 4] ?? 0x2e)}${length}`);
    at += 4 + length;
  }
  expect(at + 2).toBe(stream.length);
  return rows;
}

describe('rows streamed into a COPY', () => {
  const sizes = [10, 600_000, 20, 400_000, 300_000, 5, 1_500_000, 7];

  it('arrive whole and in the batch’s order', async () => {
    const target = lazyTarget();

    await copyRows(target, batchOf(sizes), undefined);

    expect(decode(target.bytes())).toEqual(
      sizes.map((size, row) => `${String.fromCharCode(0x61 + row)}${size}`),
    );
  });

  it('arrive in the order asked for, though slices are used again', async () => {
    const target = lazyTarget();
    const order = [7, 3, 1, 0, 6, 5, 4, 2];

    await copyRows(target, batchOf(sizes), Uint32Array.from(order));

    expect(decode(target.bytes())).toEqual(
      order.map((row) => `${String.fromCharCode(0x61 + row)}${sizes[row]}`),
    );
  });

  it('can be only keys behind their index', async () => {
    const target = lazyTarget();
    const order = [4, 6, 0, 1, 3];

    await copyKeys(target, batchOf(sizes), { fields: [0], rows: Uint32Array.from(order) });

    expect(decode(target.bytes())).toEqual(
      order.map((row, at) => `${at}:${String.fromCharCode(0x61 + row)}${sizes[row]}`),
    );
  });
});
