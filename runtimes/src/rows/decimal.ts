/**
 * Decimals of any length, exactly: digits go from the file's bytes into Postgres' base-10000 digits
 * without passing through a number. The scale is kept, so `1.50` stays `1.50`.
 *
 * Accepted: an optional sign, digits with an optional point (`1.`, `.5`), an optional exponent, as
 * spreadsheets write them. Refused: NaN, Infinity, thousands separators, decimal commas. A column
 * of limited scale (`numeric(10,2)`) makes Postgres round in silence; here that is `TooPrecise`.
 */
import type { CopyBuffer } from './copy-buffer.ts';
import type { FieldBytes, FieldEncoder } from './field-encoder.ts';
import type { RejectReason } from './reject-reason.ts';

/** Limits of the type `numeric`: digits before and after the point. */
const integerDigitsMax = 131_072;
const scaleMax = 16_383;
const negativeSign = 0x4000;
const groupDigits = 4;

/** Where the digits of one field are: two runs with the point between them, and the exponent. */
interface Scan {
  isNegative: boolean;
  integerStart: number;
  integerDigits: number;
  fractionStart: number;
  fractionDigits: number;
  exponent: number;
}

export function decimalEncoder(scaleLimit: number = scaleMax): FieldEncoder {
  const scan: Scan = {
    isNegative: false,
    integerStart: 0,
    integerDigits: 0,
    fractionStart: 0,
    fractionDigits: 0,
    exponent: 0,
  };
  return (field, out) => {
    if (!scanDecimal(field, scan)) return 'NotADecimal';
    return writeNumeric(field.bytes, scan, { out, scaleLimit });
  };
}

function digitsFrom(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && (bytes[at] as number) >= 0x30 && (bytes[at] as number) <= 0x39) at += 1;
  return at;
}

function scanDecimal(field: FieldBytes, scan: Scan): boolean {
  const { bytes, end } = field;
  const first = bytes[field.start];
  let at = field.start + (first === 0x2d || first === 0x2b ? 1 : 0);
  scan.isNegative = first === 0x2d;
  scan.integerStart = at;
  at = digitsFrom(bytes, at, end);
  scan.integerDigits = at - scan.integerStart;
  if (at < end && bytes[at] === 0x2e) at += 1;
  scan.fractionStart = at;
  at = digitsFrom(bytes, at, end);
  scan.fractionDigits = at - scan.fractionStart;
  scan.exponent = 0;
  if (scan.integerDigits + scan.fractionDigits === 0) return false;
  return at === end || scanExponent(field, scan, at);
}

function scanExponent(field: FieldBytes, scan: Scan, from: number): boolean {
  const { bytes, end } = field;
  if (((bytes[from] as number) | 0x20) !== 0x65) return false;
  const sign = bytes[from + 1];
  const start = from + (sign === 0x2d || sign === 0x2b ? 2 : 1);
  if (start >= end || digitsFrom(bytes, start, end) !== end) return false;
  let exponent = 0;
  // Beyond a million every exponent is out of range alike; the cap keeps the sum exact.
  for (let at = start; at < end; at += 1) {
    exponent = Math.min(exponent * 10 + (bytes[at] as number) - 0x30, 1_000_000);
  }
  scan.exponent = sign === 0x2d ? -exponent : exponent;
  return true;
}

function digitAt(bytes: Buffer, scan: Scan, index: number): number {
  const at =
    index < scan.integerDigits
      ? scan.integerStart + index
      : scan.fractionStart + index - scan.integerDigits;
  return (bytes[at] as number) - 0x30;
}

interface NumericTarget {
  readonly out: CopyBuffer;
  readonly scaleLimit: number;
}

function writeNumeric(bytes: Buffer, scan: Scan, target: NumericTarget): RejectReason | undefined {
  const { first, last } = significantDigits(bytes, scan);
  if (first === last) {
    writeHeader(target, { start: reserveHeader(target.out), weight: 0, isNegative: false, scan });
    return undefined;
  }
  const { out } = target;
  // Digits before the point, counted from the first that matters; negative for 0.00x.
  const pointAt = scan.integerDigits + scan.exponent - first;
  if (pointAt > integerDigitsMax) return 'OutOfRange';
  if (last - first - pointAt > target.scaleLimit) return 'TooPrecise';
  const weight = Math.floor((pointAt - 1) / groupDigits);
  const start = reserveHeader(out);
  writeGroups(bytes, scan, { out, first, last, skip: (weight + 1) * groupDigits - pointAt });
  writeHeader(target, { start, weight, isNegative: scan.isNegative, scan });
  return undefined;
}

/** The run of digits without zeros at its ends. */
function significantDigits(bytes: Buffer, scan: Scan): { first: number; last: number } {
  let first = 0;
  let last = scan.integerDigits + scan.fractionDigits;
  while (first < last && digitAt(bytes, scan, first) === 0) first += 1;
  while (last > first && digitAt(bytes, scan, last - 1) === 0) last -= 1;
  return { first, last };
}

const headerBytes = 12;

function reserveHeader(out: CopyBuffer): number {
  out.at += headerBytes;
  return out.at - headerBytes;
}

interface NumericHeader {
  readonly start: number;
  readonly weight: number;
  readonly isNegative: boolean;
  readonly scan: Scan;
}

function writeHeader(target: NumericTarget, header: NumericHeader): void {
  const { view, at } = target.out;
  const { start, scan } = header;
  const scale = Math.max(0, scan.fractionDigits - scan.exponent);
  view.setInt32(start, at - start - 4);
  view.setInt16(start + 4, (at - start - headerBytes) / 2);
  view.setInt16(start + 6, header.weight);
  view.setInt16(start + 8, header.isNegative ? negativeSign : 0);
  view.setInt16(start + 10, Math.min(scale, target.scaleLimit));
}

interface Groups {
  readonly out: CopyBuffer;
  readonly first: number;
  readonly last: number;
  /** Leading zeros that fill the first group, so that groups meet at the point. */
  readonly skip: number;
}

function writeGroups(bytes: Buffer, scan: Scan, groups: Groups): void {
  const { out, first, last, skip } = groups;
  let group = 0;
  let filled = skip;
  for (let index = first; index < last; index += 1) {
    group = group * 10 + digitAt(bytes, scan, index);
    filled += 1;
    if (filled === groupDigits) {
      out.view.setInt16(out.at, group);
      out.at += 2;
      group = 0;
      filled = 0;
    }
  }
  if (filled === 0) return;
  for (; filled < groupDigits; filled += 1) group *= 10;
  out.view.setInt16(out.at, group);
  out.at += 2;
}
