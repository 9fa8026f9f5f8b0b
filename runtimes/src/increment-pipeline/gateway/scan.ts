/**
 * One `{"key": …, "value": …}` read from bytes into 24 bytes, by the grammar of JSON and no more.
 *
 * The value never passes through a JavaScript number beyond 2^53. What cannot be an increment is
 * refused where it is met, so nothing is nested and nothing is held: an unknown field at its name, a
 * value at its first byte. A name or key with escapes is the one thing that JSON.parse reads.
 */
import { badJson, duplicateField, invalidKey, invalidValue, unknownField } from './refusals.ts';
import { uuidBytes, uuidTextBytes, writeUuid } from './uuid.ts';

/** 16 bytes of the key, 8 of the value. */
export const itemBytes = 24;

export interface Scan {
  readonly bytes: Buffer;
  at: number;
  readonly into: Buffer;
  /** Where the next item is written to. */
  intoAt: number;
}

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const backslash = 0x5c;
const braceOpen = 0x7b;
const braceClose = 0x7d;
const digit0 = 0x30;
const digit9 = 0x39;

const keyField = 1;
const valueField = 2;
const valueMax = 2n ** 63n - 1n;
/** A number of so many digits is exact in a double. */
const exactDigits = 15;
const digitsMax = 19;
/** The longest text that can be a field or key: every character as six bytes of escape, quoted. */
const stringBytesMax = uuidTextBytes * 6 + 2;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function skipSpace(scan: Scan): void {
  const { bytes } = scan;
  let { at } = scan;
  for (;;) {
    const byte = bytes[at];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
    at += 1;
  }
  scan.at = at;
}

/** Reads the object at the position, and moves behind it. */
export function readItem(scan: Scan): void {
  if (scan.bytes[scan.at] !== braceOpen) throw badJson('a JSON object is expected');
  scan.at += 1;
  skipSpace(scan);
  let seen = 0;
  let next = comma;
  // `{}` has no name to be read.
  if (scan.bytes[scan.at] === braceClose) {
    scan.at += 1;
    next = braceClose;
  }
  while (next === comma) {
    const field = readName(scan);
    if ((seen & field) !== 0) throw duplicateField(field === keyField ? 'key' : 'value');
    seen |= field;
    readColon(scan);
    if (field === keyField) readKey(scan);
    else readValue(scan);
    next = readNext(scan);
  }
  if ((seen & keyField) === 0) throw invalidKey();
  if ((seen & valueField) === 0) throw invalidValue();
  scan.intoAt += itemBytes;
}

/** The byte after a member: a comma, with the space behind it skipped, or the closing brace. */
function readNext(scan: Scan): number {
  skipSpace(scan);
  const next = scan.bytes[scan.at];
  if (next !== comma && next !== braceClose) throw badJson('the body is not valid JSON');
  scan.at += 1;
  if (next === comma) skipSpace(scan);
  return next;
}

function readColon(scan: Scan): void {
  skipSpace(scan);
  if (scan.bytes[scan.at] !== colon) throw badJson('the body is not valid JSON');
  scan.at += 1;
  skipSpace(scan);
}

function readName(scan: Scan): number {
  const { bytes, at } = scan;
  // `"key"`, then `"value"`, byte by byte: a slice would cost more than the rest of the field.
  if (
    bytes[at + 1] === 0x6b &&
    bytes[at + 2] === 0x65 &&
    bytes[at + 3] === 0x79 &&
    bytes[at] === quote &&
    bytes[at + 4] === quote
  ) {
    scan.at = at + 5;
    return keyField;
  }
  if (isValueName(bytes, at)) {
    scan.at = at + 7;
    return valueField;
  }
  const name = readString(scan);
  if (name === undefined) throw unknownField('');
  if (name === 'key') return keyField;
  if (name === 'value') return valueField;
  throw unknownField(name);
}

function isValueName(bytes: Buffer, at: number): boolean {
  return (
    bytes[at] === quote &&
    bytes[at + 1] === 0x76 &&
    bytes[at + 2] === 0x61 &&
    bytes[at + 3] === 0x6c &&
    bytes[at + 4] === 0x75 &&
    bytes[at + 5] === 0x65 &&
    bytes[at + 6] === quote
  );
}

function readKey(scan: Scan): void {
  const { bytes, at, into, intoAt } = scan;
  if (bytes[at] !== quote) throw invalidKey();
  if (bytes[at + 1 + uuidTextBytes] === quote) {
    if (writeUuid(bytes, at + 1, { bytes: into, at: intoAt })) {
      scan.at = at + 2 + uuidTextBytes;
      return;
    }
  }
  const text = readString(scan);
  const isKey =
    text?.length === uuidTextBytes &&
    // As UTF-8, so that no other character is cut down to a digit.
    writeUuid(Buffer.from(text), 0, { bytes: into, at: intoAt });
  if (!isKey) throw invalidKey();
}

/** An integer from 1 to 2^63 − 1 without sign, leading zero, fraction or exponent. */
function readValue(scan: Scan): void {
  const { bytes, at } = scan;
  let end = at;
  let value = 0;
  for (;;) {
    const byte = bytes[end] ?? 0;
    if (byte < digit0 || byte > digit9) break;
    // Beyond what a double holds exactly this is only a size; see below.
    value = value * 10 + (byte - digit0);
    end += 1;
    if (end - at > digitsMax) throw invalidValue();
  }
  if (end === at || bytes[at] === digit0 || !endsNumber(bytes[end])) throw invalidValue();
  writeValue(scan, end, value);
  scan.at = end;
}

function writeValue({ bytes, at, into, intoAt }: Scan, end: number, value: number): void {
  if (end - at <= exactDigits) {
    into.writeUInt32BE(Math.floor(value / 2 ** 32), intoAt + uuidBytes);
    into.writeUInt32BE(value % 2 ** 32, intoAt + uuidBytes + 4);
    return;
  }
  const exact = BigInt(bytes.toString('latin1', at, end));
  if (exact > valueMax) throw invalidValue();
  into.writeBigUInt64BE(exact, intoAt + uuidBytes);
}

/** What may follow a number: the next member, the end, or space. `1.0`, `1e3` and `1x` are none. */
function endsNumber(byte: number | undefined): boolean {
  return (
    byte === comma ||
    byte === braceClose ||
    byte === 0x20 ||
    byte === 0x0a ||
    byte === 0x0d ||
    byte === 0x09
  );
}

/** The string at the position; undefined when it is longer than any that is looked for. */
function readString(scan: Scan): string | undefined {
  const { bytes, at } = scan;
  if (bytes[at] !== quote) throw badJson('the body is not valid JSON');
  const last = Math.min(bytes.length, at + stringBytesMax);
  let end = at + 1;
  while (end < last && bytes[end] !== quote) end += bytes[end] === backslash ? 2 : 1;
  if (end >= bytes.length) throw badJson('the body is not valid JSON');
  if (end >= last) return undefined;
  scan.at = end + 1;
  try {
    return String(JSON.parse(utf8.decode(bytes.subarray(at, end + 1))));
  } catch (error) {
    throw badJson('the body is not valid JSON', error);
  }
}
