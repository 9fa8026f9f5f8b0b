/** Days and microseconds of the proleptic Gregorian calendar, as Postgres counts them. */
import type { CopyBuffer } from './copy-buffer.ts';
import type { RejectReason } from './reject-reason.ts';

/** Postgres counts from 2000-01-01. */
export const postgresEpochDays = 10_957;
const postgresEpochSeconds = postgresEpochDays * 86_400;
/** The type `timestamptz` holds 4714-11-24 BC up to, not including, 294277-01-01. */
const secondsMin = -210_866_803_200;
const secondsEnd = 9_224_318_016_000;

const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

export function isDate(year: number, month: number, day: number): boolean {
  if (year < 1 || month < 1 || month > 12 || day < 1) return false;
  if (day <= 28) return true;
  if (month === 2) return day === 29 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return day <= (monthDays[month - 1] as number);
}

/** Days since 1970-01-01, for years from 1 on. March is the first month, so leap days come last. */
export function daysOf(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = (shifted / 400) | 0;
  const yearOfEra = shifted - era * 400;
  const dayOfYear = (((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) | 0) + day - 1;
  const leapDays = ((yearOfEra / 4) | 0) - ((yearOfEra / 100) | 0);
  return era * 146_097 + yearOfEra * 365 + leapDays + dayOfYear - 719_468;
}

export interface CalendarDate {
  /** 0 is 1 BC, as astronomers count. */
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** The way back from `daysOf`, for any number of days: a Date ends before the type `timestamptz`. */
export function dateOf(days: number): CalendarDate {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  // Days of the era without its leap days: of every fourth year, less centuries, and the last one.
  const leapDays =
    Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const dayOfYear =
    dayOfEra - yearOfEra * 365 - Math.floor(yearOfEra / 4) + Math.floor(yearOfEra / 100);
  const march = Math.floor((5 * dayOfYear + 2) / 153);
  const month = march < 10 ? march + 3 : march - 9;
  const year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0);
  return { year, month, day: dayOfYear - Math.floor((153 * march + 2) / 5) + 1 };
}

export function writeDate(out: CopyBuffer, days: number): void {
  out.writeInt32(days - postgresEpochDays);
}

/** Writes a timestamptz from exact parts: seconds since 1970 and 0–999,999 microseconds. */
export function writeTimestamp(
  out: CopyBuffer,
  seconds: number,
  micros: number,
): RejectReason | undefined {
  if (seconds < secondsMin || seconds >= secondsEnd) return 'OutOfRange';
  const total = (seconds - postgresEpochSeconds) * 1e6 + micros;
  if (Number.isSafeInteger(total)) {
    out.writeSafeInteger(total);
    return undefined;
  }
  // Beyond the year 2285 a double is no longer exact; 9999-12-31 is a common "never".
  const exact = BigInt(seconds - postgresEpochSeconds) * 1_000_000n + BigInt(micros);
  out.writeInt64(Number(exact >> 32n), Number(exact & 0xffff_ffffn));
  return undefined;
}
