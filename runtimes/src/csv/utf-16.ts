/** Values of UTF-16 fields as UTF-8, in one pass and without a string between. */

import type { Dialect } from './dialect.ts';
import { isPlainPair, isQuotedPair } from './escapes.ts';

const backslash = 0x5c;
const half = -1;

interface Utf16Field {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly isQuoted: boolean;
  readonly dialect: Dialect;
}

/**
 * Writes the value without its escapes and returns the number of bytes written, or undefined if the
 * field has half a character. The target needs three bytes of room for each two of the field.
 */
export function writeUtf16AsUtf8(
  field: Utf16Field,
  { out, at }: { readonly out: Buffer; readonly at: number },
): number | undefined {
  const { bytes, start, dialect, isQuoted } = field;
  const end = Math.min(field.end, bytes.length);
  if ((end - start) % 2 !== 0) return undefined;
  const isBigEndian = dialect.encoding === 'UTF-16BE';
  const { quote } = dialect;
  const isPair = isQuoted ? isQuotedPair : isPlainPair;
  let write = at;
  for (let read = start; read < end;) {
    let code = codeAt(bytes, { at: read, end, isBigEndian });
    const next = read + 2;
    if ((code === backslash || code === quote) && next < end) {
      const second = codeAt(bytes, { at: next, end, isBigEndian });
      if (isPair(code, second, dialect)) {
        code = second;
        read = next;
      }
    }
    if (code === half) return undefined;
    read += code > 0xffff ? 4 : 2;
    if (code < 0x80) {
      out[write] = code;
      write += 1;
    } else write = writeWide(out, write, code);
  }
  return write - at;
}

interface Place {
  readonly at: number;
  readonly end: number;
  readonly isBigEndian: boolean;
}

/** The character that begins here; `half` if it is a surrogate without its other one. */
function codeAt(bytes: Buffer, { at, end, isBigEndian }: Place): number {
  const [first, second] = [bytes[at] as number, bytes[at + 1] as number];
  const unit = isBigEndian ? (first << 8) | second : (second << 8) | first;
  if (unit < 0xd800 || unit >= 0xe000) return unit;
  if (unit >= 0xdc00 || at + 2 >= end) return half;
  const tail = isBigEndian ? bytes.readUInt16BE(at + 2) : bytes.readUInt16LE(at + 2);
  if (tail < 0xdc00 || tail >= 0xe000) return half;
  return 0x10000 + ((unit - 0xd800) << 10) + (tail - 0xdc00);
}

/** One character outside ASCII; returns where the next one goes. */
function writeWide(out: Buffer, at: number, code: number): number {
  if (code < 0x800) {
    out[at] = 0xc0 | (code >> 6);
    out[at + 1] = 0x80 | (code & 0x3f);
    return at + 2;
  }
  if (code < 0x10000) {
    out[at] = 0xe0 | (code >> 12);
    out[at + 1] = 0x80 | ((code >> 6) & 0x3f);
    out[at + 2] = 0x80 | (code & 0x3f);
    return at + 3;
  }
  out[at] = 0xf0 | (code >> 18);
  out[at + 1] = 0x80 | ((code >> 12) & 0x3f);
  out[at + 2] = 0x80 | ((code >> 6) & 0x3f);
  out[at + 3] = 0x80 | (code & 0x3f);
  return at + 4;
}
