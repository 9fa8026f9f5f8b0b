/**
 * Points in time: RFC 3339 text, and epochs.
 *
 * RFC 3339 is read as people write it: `T`, `t` or a space between date and time, seconds may be
 * missing, the offset is `Z`, `+hh:mm`, `+hhmm` or `+hh`. Without an offset the time is UTC, always,
 * so that a verdict never depends on a server's setting. More than six fraction digits are refused
 * unless the rest are zeros, because Postgres would round them away (`TooPrecise`).
 */
import { daysOf, isDate, writeDate, writeTimestamp } from './calendar.ts';
import type { FieldBytes, FieldEncoder } from './field-encoder.ts';
import { integerParts, readInteger } from './integer.ts';
import type { RejectReason } from './reject-reason.ts';

const dateLength = 10;

/** `count` digits as a number, or NaN. */
export function fixedDigits(bytes: Buffer, at: number, count: number): number {
  let value = 0;
  for (let index = at; index < at + count; index += 1) {
    const digit = (bytes[index] as number) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** Days since 1970 of a `yyyy-MM-dd` at `at`, or NaN. The caller has checked the length. */
function isoDays(bytes: Buffer, at: number): number {
  if (bytes[at + 4] !== 0x2d || bytes[at + 7] !== 0x2d) return Number.NaN;
  const year = fixedDigits(bytes, at, 4);
  const month = fixedDigits(bytes, at + 5, 2);
  const day = fixedDigits(bytes, at + 8, 2);
  return isDate(year, month, day) ? daysOf(year, month, day) : Number.NaN;
}

export function dateEncoder(): FieldEncoder {
  return (field, out) => {
    if (field.end - field.start !== dateLength) return 'NotADate';
    const days = isoDays(field.bytes, field.start);
    if (Number.isNaN(days)) return 'NotADate';
    writeDate(out, days);
    return undefined;
  };
}

interface Clock {
  at: number;
  seconds: number;
  micros: number;
}

export function rfc3339Encoder(): FieldEncoder {
  const clock: Clock = { at: 0, seconds: 0, micros: 0 };
  return (field, out) => {
    const { bytes, start, end } = field;
    if (end - start < dateLength + 6) return 'NotATimestamp';
    const days = isoDays(bytes, start);
    const separator = bytes[start + dateLength];
    const isSeparated = separator === 0x54 || separator === 0x74 || separator === 0x20;
    if (Number.isNaN(days) || !isSeparated) return 'NotATimestamp';
    clock.at = start + dateLength + 1;
    const reason = readClock(field, clock);
    if (reason !== undefined) return reason;
    const offset = readOffset(field, clock.at);
    if (Number.isNaN(offset)) return 'NotATimestamp';
    return writeTimestamp(out, days * 86_400 + clock.seconds - offset, clock.micros);
  };
}

/** `hh:mm[:ss[.fraction]]`. A leap second (:60) is the first of the next minute, as in Postgres. */
function readClock(field: FieldBytes, clock: Clock): RejectReason | undefined {
  const { bytes, end } = field;
  const { at } = clock;
  const hours = fixedDigits(bytes, at, 2);
  const minutes = fixedDigits(bytes, at + 3, 2);
  if (bytes[at + 2] !== 0x3a || !(hours <= 23) || !(minutes <= 59)) return 'NotATimestamp';
  clock.seconds = hours * 3600 + minutes * 60;
  clock.micros = 0;
  clock.at = at + 5;
  if (clock.at === end || bytes[clock.at] !== 0x3a) return undefined;
  const seconds = clock.at + 3 <= end ? fixedDigits(bytes, clock.at + 1, 2) : Number.NaN;
  if (!(seconds <= 60)) return 'NotATimestamp';
  clock.seconds += seconds;
  clock.at += 3;
  const point = bytes[clock.at];
  return clock.at < end && (point === 0x2e || point === 0x2c)
    ? readFraction(field, clock)
    : undefined;
}

function readFraction(field: FieldBytes, clock: Clock): RejectReason | undefined {
  const { bytes, end } = field;
  const start = clock.at + 1;
  let at = start;
  let scale = 100_000;
  for (; at < end; at += 1) {
    const digit = (bytes[at] as number) - 0x30;
    if (digit < 0 || digit > 9) break;
    if (scale < 1 && digit !== 0) return 'TooPrecise';
    if (scale >= 1) clock.micros += digit * scale;
    scale = scale >= 10 ? scale / 10 : scale - 1;
  }
  clock.at = at;
  return at === start ? 'NotATimestamp' : undefined;
}

/** Seconds east of UTC at the end of the field, or NaN. One space may stand before it. */
function readOffset(field: FieldBytes, from: number): number {
  const { bytes, end } = field;
  if (from === end) return 0;
  const at = bytes[from] === 0x20 ? from + 1 : from;
  const length = end - at;
  const first = bytes[at];
  if (length === 1) return first === 0x5a || first === 0x7a ? 0 : Number.NaN;
  if (first === 0x2b) return offsetSeconds(bytes, at, length);
  return first === 0x2d ? -offsetSeconds(bytes, at, length) : Number.NaN;
}

/** `hh`, `hhmm` or `hh:mm` behind the sign at `at`, or NaN. */
function offsetSeconds(bytes: Buffer, at: number, length: number): number {
  const isColon = length === 6 && bytes[at + 3] === 0x3a;
  if (length !== 3 && length !== 5 && !isColon) return Number.NaN;
  const hours = fixedDigits(bytes, at + 1, 2);
  const minutes = length === 3 ? 0 : fixedDigits(bytes, at + length - 2, 2);
  return hours <= 23 && minutes <= 59 ? hours * 3600 + minutes * 60 : Number.NaN;
}

export type EpochUnit = 'EpochSeconds' | 'EpochMillis' | 'EpochMicros';
const unitsPerSecond = { EpochSeconds: 1, EpochMillis: 1e3, EpochMicros: 1e6 } as const;

export function isEpochUnit(format: string): format is EpochUnit {
  return Object.hasOwn(unitsPerSecond, format);
}

/** Negative epochs are refused unless allowed: a `-1` means "none" far more often than 1969. */
export function epochEncoder(unit: EpochUnit, options: { allowNegative: boolean }): FieldEncoder {
  const parts = integerParts();
  const units = unitsPerSecond[unit];
  const microsPerUnit = 1e6 / units;
  // The head counts units of 10^9, of which every unit makes whole seconds.
  const secondsPerHead = 1e9 / units;
  return (field, out) => {
    const reason = readInteger(field, parts);
    if (reason === 'NotAnInteger') return 'NotATimestamp';
    if (parts.isNegative && !options.allowNegative) return 'NegativeEpoch';
    if (reason !== undefined) return reason;
    const tailSeconds = Math.floor(parts.tail / units);
    const seconds = parts.head * secondsPerHead + tailSeconds;
    const micros = (parts.tail - tailSeconds * units) * microsPerUnit;
    if (!parts.isNegative) return writeTimestamp(out, seconds, micros);
    return micros === 0
      ? writeTimestamp(out, -seconds, 0)
      : writeTimestamp(out, -seconds - 1, 1e6 - micros);
  };
}
