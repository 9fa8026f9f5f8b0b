/**
 * Whole numbers: an optional sign and ASCII digits, nothing else (no spaces, no separators).
 *
 * A double holds 15 digits exactly. Longer numbers are kept as two parts, so that an int64 is exact
 * without a BigInt a field: `value = head * 10^9 + tail`.
 */
import type { CopyBuffer } from './copy-buffer.ts';
import type { FieldBytes } from './field-encoder.ts';
import type { RejectReason } from './reject-reason.ts';

export interface IntegerParts {
  isNegative: boolean;
  /** All digits but the last nine; at most ten digits. */
  head: number;
  tail: number;
  /** Digits without leading zeros. */
  digits: number;
}

export function integerParts(): IntegerParts {
  return { isNegative: false, head: 0, tail: 0, digits: 0 };
}

const minus = 0x2d;
const plus = 0x2b;
const zero = 0x30;
const tailDigits = 9;
/** No int64 has more digits. */
const int64Digits = 19;
const two32 = 0x1_0000_0000;

/** Reads the field into `parts`; the reason if it is no integer or has too many digits. */
export function readInteger(field: FieldBytes, parts: IntegerParts): RejectReason | undefined {
  const { bytes, end } = field;
  let at = field.start;
  const sign = bytes[at];
  parts.isNegative = sign === minus;
  if (sign === minus || sign === plus) at += 1;
  if (at === end) return 'NotAnInteger';
  while (at < end - 1 && bytes[at] === zero) at += 1;
  const digits = end - at;
  const tailStart = Math.max(at, end - tailDigits);
  const head = digitsValue(bytes, at, tailStart);
  const tail = digitsValue(bytes, tailStart, end);
  if (head < 0 || tail < 0) return 'NotAnInteger';
  parts.head = head;
  parts.tail = tail;
  parts.digits = digits;
  return digits > int64Digits ? 'OutOfRange' : undefined;
}

/** The value of ASCII digits, or -1 if there is anything else. */
function digitsValue(bytes: Buffer, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at += 1) {
    const digit = (bytes[at] as number) - zero;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

export function integerEncoder(): (field: FieldBytes, out: CopyBuffer) => RejectReason | undefined {
  const parts = integerParts();
  return (field, out) => {
    const reason = readInteger(field, parts);
    if (reason !== undefined) return reason;
    const magnitude = parts.head * 1e9 + parts.tail;
    const value = parts.isNegative ? -magnitude : magnitude;
    if (value > 0x7fff_ffff || value < -0x8000_0000) return 'OutOfRange';
    out.writeInt32(value);
    return undefined;
  };
}

export function bigintEncoder(): (field: FieldBytes, out: CopyBuffer) => RejectReason | undefined {
  const parts = integerParts();
  return (field, out) => {
    const reason = readInteger(field, parts);
    if (reason !== undefined) return reason;
    if (parts.digits <= 15) {
      const magnitude = parts.head * 1e9 + parts.tail;
      out.writeSafeInteger(parts.isNegative ? -magnitude : magnitude);
      return undefined;
    }
    return writeLong(parts, out);
  };
}

/** Multiplies in two 16-bit steps; every intermediate value is below 2^53. */
function writeLong(parts: IntegerParts, out: CopyBuffer): RejectReason | undefined {
  const headLow = parts.head % 0x1_0000;
  const upper = ((parts.head - headLow) / 0x1_0000) * 1e9;
  const upperLow = upper % 0x1_0000;
  const lower = upperLow * 0x1_0000 + headLow * 1e9 + parts.tail;
  const low = lower % two32;
  const high = (upper - upperLow) / 0x1_0000 + (lower - low) / two32;
  if (!parts.isNegative) {
    if (high > 0x7fff_ffff) return 'OutOfRange';
    out.writeInt64(high, low);
    return undefined;
  }
  if (high > 0x8000_0000 || (high === 0x8000_0000 && low !== 0)) return 'OutOfRange';
  // Two's complement of the pair.
  out.writeInt64(low === 0 ? -high : -high - 1, low === 0 ? 0 : two32 - low);
  return undefined;
}
