/** Text, booleans, UUIDs and JSON. */
import type { FieldBytes, FieldEncoder } from './field-encoder.ts';

/** A NUL byte is the one character that Postgres cannot store in text. */
export const encodeText: FieldEncoder = (field, out) => {
  const { bytes, start, end } = field;
  const length = end - start;
  if (length > loopBytesMax) {
    const nul = bytes.indexOf(0, start);
    if (nul >= 0 && nul < end) return 'NulByte';
    out.writeBytes(bytes, start, end);
    return undefined;
  }
  out.view.setInt32(out.at, length);
  const target = out.bytes;
  const at = out.at + 4;
  for (let index = 0; index < length; index += 1) {
    const byte = bytes[start + index] as number;
    if (byte === 0) return 'NulByte';
    target[at + index] = byte;
  }
  out.at = at + length;
  return undefined;
};
/** Up to here one loop that checks and copies beats two calls into native code. */
const loopBytesMax = 40;

const spellings: readonly (readonly [string, number])[] = [
  ['true', 1],
  ['t', 1],
  ['yes', 1],
  ['y', 1],
  ['1', 1],
  ['false', 0],
  ['f', 0],
  ['no', 0],
  ['n', 0],
  ['0', 0],
];
const longestSpelling = 5;

/** Letters in lower case, packed into one number: five bytes fit exactly. */
function packed(bytes: Buffer, start: number, end: number): number {
  let code = 0;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] as number;
    code = code * 256 + (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte);
  }
  return code;
}

const booleans = new Map(
  spellings.map(([text, value]) => [packed(Buffer.from(text), 0, text.length), value]),
);

export const encodeBoolean: FieldEncoder = (field, out) => {
  const { bytes, start, end } = field;
  if (end - start > longestSpelling) return 'NotABoolean';
  const value = booleans.get(packed(bytes, start, end));
  if (value === undefined) return 'NotABoolean';
  out.view.setInt32(out.at, 1);
  out.bytes[out.at + 4] = value;
  out.at += 5;
  return undefined;
};

/** Value of each hexadecimal digit; 16 for every other byte. */
const hexValues = Uint8Array.from({ length: 256 }, (_, byte) => {
  const value = Number.parseInt(String.fromCharCode(byte), 16);
  return Number.isNaN(value) ? 16 : value;
});
const uuidDigits = 32;
const hyphensBeforeDigit: ReadonlySet<number> = new Set([8, 12, 16, 20]);

/** The usual form, the same in braces, or 32 digits; letters in any case. */
export const encodeUuid: FieldEncoder = (field, out) => {
  const { bytes } = field;
  let { start, end } = field;
  if (end - start === 38 && bytes[start] === 0x7b && bytes[end - 1] === 0x7d) {
    start += 1;
    end -= 1;
  }
  const hasHyphens = end - start === uuidDigits + hyphensBeforeDigit.size;
  if (!hasHyphens && end - start !== uuidDigits) return 'NotAUuid';
  out.view.setInt32(out.at, 16);
  let at = start;
  for (let digit = 0; digit < uuidDigits; digit += 2) {
    if (hasHyphens && hyphensBeforeDigit.has(digit)) {
      if (bytes[at] !== 0x2d) return 'NotAUuid';
      at += 1;
    }
    const high = hexValues[bytes[at] as number] as number;
    const low = hexValues[bytes[at + 1] as number] as number;
    if ((high | low) > 15) return 'NotAUuid';
    out.bytes[out.at + 4 + digit / 2] = high * 16 + low;
    at += 2;
  }
  out.at += 20;
  return undefined;
};

function isJson(field: FieldBytes): boolean {
  try {
    JSON.parse(field.bytes.toString('utf8', field.start, field.end));
    return true;
  } catch {
    return false;
  }
}

/** Checked here, because one bad document found by the server costs a bisection of its chunk. */
export const encodeJson: FieldEncoder = (field, out) => {
  if (!isJson(field)) return 'NotJson';
  out.writeBytes(field.bytes, field.start, field.end);
  return undefined;
};

/** The binary form of jsonb is a version byte and the text. */
export const encodeJsonb: FieldEncoder = (field, out) => {
  if (!isJson(field)) return 'NotJson';
  out.view.setInt32(out.at, field.end - field.start + 1);
  out.bytes[out.at + 4] = 1;
  out.at += 5;
  out.appendBytes(field.bytes, field.start, field.end);
  return undefined;
};
