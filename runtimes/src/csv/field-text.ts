/**
 * Field values out of raw record bytes: undoing escapes, decoding Windows-1252 and UTF-16, checking
 * UTF-8.
 *
 * Both doors tell an invalid encoding apart from any value: `fieldBytes` returns `invalidEncoding`,
 * `fieldText` returns undefined. `lossyFieldText` never fails and is for people's eyes only.
 */

import { isUtf8 } from 'node:buffer';
import type { Dialect, Encoding } from './dialect.ts';
import { decodeLossily } from './encoding.ts';
import { isQuotedPair, isPlainPair } from './escapes.ts';
import { decodeFlag, quotedFlag } from './record-reader.ts';
import { writeUtf16AsUtf8 } from './utf-16.ts';
import { codePointOf, decodeWindows1252 } from './windows-1252.ts';

export interface Fields {
  readonly bytes: Buffer;
  readonly dialect: Dialect;
  readonly fieldCount: number;
  readonly fieldStart: Int32Array;
  readonly fieldEnd: Int32Array;
  readonly fieldFlags: Uint8Array;
}

export const invalidEncoding = -1;

/** Below this many bytes a loop is faster than the call into `Buffer.copy`. */
const copiedByHandMax = 48;

/**
 * Writes the value of field `index` as UTF-8 into `target` and returns the number of bytes written,
 * or `invalidEncoding`. The target needs three times the field's raw bytes of room.
 */
export function fieldBytes(
  fields: Fields,
  index: number,
  target: { readonly out: Buffer; readonly at: number },
): number {
  const { out, at } = target;
  const start = fields.fieldStart[index] ?? 0;
  const end = fields.fieldEnd[index] ?? 0;
  if (((fields.fieldFlags[index] ?? 0) & decodeFlag) === 0) {
    if (end - start > copiedByHandMax) return fields.bytes.copy(out, at, start, end);
    const { bytes } = fields;
    for (let read = start, write = at; read < end; read += 1, write += 1) {
      out[write] = bytes[read] as number;
    }
    return end - start;
  }
  const { encoding } = fields.dialect;
  if (isUtf16(encoding)) return utf16Bytes(fields, index, target) ?? invalidEncoding;
  const length = unescape(fields, index, target);
  if (encoding === 'Windows-1252') return widen(out, at, length);
  return isUtf8(out.subarray(at, at + length)) ? length : invalidEncoding;
}

/** The value of field `index`, or undefined if its encoding is not valid. */
export function fieldText(fields: Fields, index: number): string | undefined {
  const start = fields.fieldStart[index] ?? 0;
  const end = fields.fieldEnd[index] ?? 0;
  if (((fields.fieldFlags[index] ?? 0) & decodeFlag) === 0) {
    return fields.bytes.toString('utf8', start, end);
  }
  if (isUtf16(fields.dialect.encoding)) return utf16Text(fields, index);
  const out = plainBytes(fields, index);
  if (fields.dialect.encoding === 'Windows-1252') return decodeWindows1252(out);
  return isUtf8(out) ? out.toString('utf8') : undefined;
}

/** As `fieldText`, with bytes that are no UTF-8 read as Windows-1252, and U+FFFD for half characters. */
export function lossyFieldText(fields: Fields, index: number): string {
  const text = fieldText(fields, index);
  if (text !== undefined) return text;
  const { encoding } = fields.dialect;
  if (!isUtf16(encoding)) return decodeWindows1252(plainBytes(fields, index));
  return decodeLossily(
    fields.bytes.subarray(fields.fieldStart[index], fields.fieldEnd[index]),
    encoding,
  );
}

/**
 * All values of a record, never failing. One string is made of the record and cut up, since making
 * one of each field costs a call out of JavaScript each.
 */
export function textsOf(fields: Fields): string[] {
  const { fieldCount, fieldStart, fieldEnd, fieldFlags } = fields;
  const start = fieldStart[0] ?? 0;
  const end = fieldEnd[fieldCount - 1] ?? start;
  const isWide = isUtf16(fields.dialect.encoding);
  const whole = isWide ? '' : fields.bytes.toString('utf8', start, end);
  // A byte is one character at most, so equal lengths mean that each of them is one.
  const isInStep = !isWide && whole.length === end - start;
  const texts: string[] = [];
  for (let index = 0; index < fieldCount; index += 1) {
    const isCut = isInStep && ((fieldFlags[index] as number) & decodeFlag) === 0;
    const from = (fieldStart[index] as number) - start;
    const to = (fieldEnd[index] as number) - start;
    texts.push(isCut ? whole.slice(from, to) : lossyFieldText(fields, index));
  }
  return texts;
}

function isUtf16(encoding: Encoding): boolean {
  return encoding === 'UTF-16LE' || encoding === 'UTF-16BE';
}

function utf16Text(fields: Fields, index: number): string | undefined {
  const { bytes, dialect, fieldStart, fieldEnd } = fields;
  const raw = bytes.subarray(fieldStart[index], fieldEnd[index]);
  const text = decodeLossily(raw, dialect.encoding);
  // Without what could be an escape or half a character, this is the value.
  if (!/["'\\\ufffd]/.test(text)) return text;
  const units = (fields.fieldEnd[index] ?? 0) - (fields.fieldStart[index] ?? 0);
  const out = Buffer.allocUnsafe(2 * units);
  const length = utf16Bytes(fields, index, { out, at: 0 });
  return length === undefined ? undefined : out.toString('utf8', 0, length);
}

function utf16Bytes(
  { bytes, dialect, fieldStart, fieldEnd, fieldFlags }: Fields,
  index: number,
  target: { readonly out: Buffer; readonly at: number },
): number | undefined {
  const isQuoted = ((fieldFlags[index] ?? 0) & quotedFlag) !== 0;
  const [start, end] = [fieldStart[index] ?? 0, fieldEnd[index] ?? 0];
  return writeUtf16AsUtf8({ bytes, dialect, start, end, isQuoted }, target);
}

function plainBytes(fields: Fields, index: number): Buffer {
  const start = fields.fieldStart[index] ?? 0;
  const end = fields.fieldEnd[index] ?? 0;
  const out = Buffer.allocUnsafe(end - start);
  return out.subarray(0, unescape(fields, index, { out, at: 0 }));
}

/** Copies a field without its escapes and returns the bytes written, still in the file's encoding. */
function unescape(
  fields: Fields,
  index: number,
  target: { readonly out: Buffer; readonly at: number },
): number {
  const { bytes, dialect } = fields;
  const end = fields.fieldEnd[index] ?? 0;
  const isQuoted = ((fields.fieldFlags[index] ?? 0) & quotedFlag) !== 0;
  const { out, at } = target;
  let written = at;
  for (let read = fields.fieldStart[index] ?? 0; read < end; read += 1) {
    const byte = bytes[read] as number;
    const next = read + 1 < end ? (bytes[read + 1] as number) : -1;
    const isPair = isQuoted
      ? isQuotedPair(byte, next, dialect)
      : isPlainPair(byte, next < 0x80 || byte !== 0x5c ? next : codeAt(fields, read + 1), dialect);
    if (isPair) read += 1;
    out[written] = isPair ? next : byte;
    written += 1;
  }
  return written - at;
}

/** The character at a byte outside ASCII. */
function codeAt({ bytes, dialect }: Fields, at: number): number {
  if (dialect.encoding === 'Windows-1252') return codePointOf(bytes[at] as number);
  return bytes.toString('utf8', at, at + 4).codePointAt(0) ?? -1;
}

/** Widens Windows-1252 bytes to UTF-8 in place, from the back so that nothing is overwritten. */
function widen(out: Buffer, at: number, length: number): number {
  let extra = 0;
  for (let index = at; index < at + length; index += 1)
    extra += utf8Bytes(out[index] as number) - 1;
  let write = at + length + extra;
  for (let read = at + length - 1; read >= at; read -= 1) {
    const code = codePointOf(out[read] as number);
    if (code < 0x80) {
      write -= 1;
      out[write] = code;
    } else if (code < 0x800) {
      write -= 2;
      out[write] = 0xc0 | (code >> 6);
      out[write + 1] = 0x80 | (code & 0x3f);
    } else {
      write -= 3;
      out[write] = 0xe0 | (code >> 12);
      out[write + 1] = 0x80 | ((code >> 6) & 0x3f);
      out[write + 2] = 0x80 | (code & 0x3f);
    }
  }
  return length + extra;
}

function utf8Bytes(byte: number): number {
  const code = codePointOf(byte);
  if (code < 0x80) return 1;
  return code < 0x800 ? 2 : 3;
}
