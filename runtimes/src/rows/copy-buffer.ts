/**
 * A growing buffer in Postgres' binary COPY format, reused from chunk to chunk.
 *
 * Binary was chosen by measurement: 1 M rows of 8 columns load in 1.3–1.65 s against 1.7–1.9 s as
 * text and 1.7–2.2 s as CSV, since the server parses no numbers and undoes no escapes. Encoders
 * write at `at` after a `reserve`; nothing here checks bounds again, because it is the hottest code.
 */

/** A buffer that one huge record has grown is given back, so that memory follows the normal case. */
const keepBytesMax = 48 * 1024 * 1024;

export class CopyBuffer {
  bytes: Buffer;
  view: DataView;
  at = 0;
  readonly #initialBytes: number;

  constructor(initialBytes: number) {
    this.#initialBytes = initialBytes;
    this.bytes = Buffer.allocUnsafeSlow(initialBytes);
    this.view = viewOf(this.bytes);
  }

  /** Makes room for `room` more bytes; `bytes` and `view` may be other objects afterwards. */
  reserve(room: number): void {
    const needed = this.at + room;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, Math.ceil(this.bytes.length * 1.5)));
    this.bytes.copy(grown, 0, 0, this.at);
    this.bytes = grown;
    this.view = viewOf(grown);
  }

  reset(): void {
    this.at = 0;
    if (this.bytes.length <= keepBytesMax) return;
    this.bytes = Buffer.allocUnsafeSlow(this.#initialBytes);
    this.view = viewOf(this.bytes);
  }

  writeNull(): void {
    this.view.setInt32(this.at, -1);
    this.at += 4;
  }

  /** A field of 4 bytes. */
  writeInt32(value: number): void {
    this.view.setInt32(this.at, 4);
    this.view.setInt32(this.at + 4, value);
    this.at += 8;
  }

  /** A field of 8 bytes, given as its two halves; `high` may be signed. */
  writeInt64(high: number, low: number): void {
    this.view.setInt32(this.at, 8);
    this.view.setInt32(this.at + 4, high);
    this.view.setUint32(this.at + 8, low);
    this.at += 12;
  }

  /** A field of 8 bytes; `value` is an exact integer. */
  writeSafeInteger(value: number): void {
    const high = Math.floor(value / 0x1_0000_0000);
    this.writeInt64(high, value - high * 0x1_0000_0000);
  }

  /** A field with these bytes. */
  writeBytes(source: Buffer, start: number, end: number): void {
    this.view.setInt32(this.at, end - start);
    this.at += 4;
    this.appendBytes(source, start, end);
  }

  appendBytes(source: Buffer, start: number, end: number): void {
    const { bytes, at } = this;
    const length = end - start;
    if (length > loopBytesMax) source.copy(bytes, at, start, end);
    else
      for (let index = 0; index < length; index += 1)
        bytes[at + index] = source[start + index] as number;
    this.at = at + length;
  }
}

/** Up to here a loop is faster than the call into native code (measured on Node 24). */
const loopBytesMax = 40;

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Signature, flags and the length of the (empty) header extension. */
export const copyHeader: Buffer = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
export const copyTrailer: Buffer = Buffer.from([0xff, 0xff]);
