/**
 * The typed rows of one chunk in COPY format, each with where its record is in the chunk, so that a
 * row the server refuses can still be shown as it was written. Reused from chunk to chunk.
 */
import { CopyBuffer } from './copy-buffer.ts';
import { growUint32 } from './grow.ts';
import { KeyIndex } from './key-index.ts';

/** Large enough that calls do not count, and above what any socket keeps back. */
const sliceBytes = 512 * 1024;

export class RowBatch {
  readonly out = new CopyBuffer(24 * 1024 * 1024);
  readonly keys = new KeyIndex();
  /** Scratch for sending rows in another order than the batch's; see copy-rows.ts. */
  readonly slices: readonly [Buffer, Buffer] = [
    Buffer.allocUnsafeSlow(sliceBytes),
    Buffer.allocUnsafeSlow(sliceBytes),
  ];
  count = 0;
  #ends = new Uint32Array(4096);
  #recordStarts = new Uint32Array(4096);
  #recordEnds = new Uint32Array(4096);
  #lines = new Uint32Array(4096);

  reset(): void {
    this.out.reset();
    this.keys.reset();
    this.count = 0;
  }

  start(row: number): number {
    return row === 0 ? 0 : (this.#ends[row - 1] as number);
  }

  end(row: number): number {
    return this.#ends[row] as number;
  }

  /** Where the row's record is in the chunk, and its line in it. */
  source(row: number): { start: number; end: number; line: number } {
    return {
      start: this.#recordStarts[row] as number,
      end: this.#recordEnds[row] as number,
      line: this.#lines[row] as number,
    };
  }

  /** Takes the row that now ends at `out.at`. */
  add(record: { readonly start: number; readonly end: number; readonly line: number }): void {
    const row = this.count;
    if (row === this.#ends.length) this.#grow();
    this.#ends[row] = this.out.at;
    this.#recordStarts[row] = record.start;
    this.#recordEnds[row] = record.end;
    this.#lines[row] = record.line;
    this.count = row + 1;
  }

  /** Forgets the row that was begun and not added. */
  dropRow(): void {
    this.out.at = this.count === 0 ? 0 : this.end(this.count - 1);
    this.keys.dropRow();
  }

  #grow(): void {
    this.#ends = growUint32(this.#ends);
    this.#recordStarts = growUint32(this.#recordStarts);
    this.#recordEnds = growUint32(this.#recordEnds);
    this.#lines = growUint32(this.#lines);
  }
}
