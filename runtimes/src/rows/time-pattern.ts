/**
 * Dates and timestamps by a pattern of yyyy MM dd HH mm ss SSS, such as `dd.MM.yyyy HH:mm`.
 *
 * Every part has a fixed width, every other character stands for itself. Letters other than the
 * parts, `T` and `Z` are refused when the pattern is read, since a misspelt part (`YYYY`, `DD`)
 * would otherwise reject every record. Times are UTC.
 */
import { daysOf, isDate, writeDate, writeTimestamp } from './calendar.ts';
import type { FieldBytes, FieldEncoder } from './field-encoder.ts';
import { fixedDigits } from './timestamp.ts';

type Part = 'yyyy' | 'MM' | 'dd' | 'HH' | 'mm' | 'ss' | 'SSS';
const parts: readonly Part[] = ['yyyy', 'MM', 'dd', 'HH', 'mm', 'ss', 'SSS'];
const dateParts: ReadonlySet<Part> = new Set<Part>(['yyyy', 'MM', 'dd']);

export interface TimePattern {
  readonly length: number;
  /** Where each part starts; undefined if absent. */
  readonly at: Readonly<Partial<Record<Part, number>>>;
  readonly literals: readonly { readonly at: number; readonly byte: number }[];
}

/** The pattern, or undefined if it is none: a part twice, no full date, or an unknown letter. */
export function timePattern(text: string): TimePattern | undefined {
  const at: Partial<Record<Part, number>> = {};
  const literals: { at: number; byte: number }[] = [];
  let position = 0;
  let rest = text;
  while (rest !== '') {
    const part = parts.find((candidate) => rest.startsWith(candidate));
    if (part !== undefined) {
      if (at[part] !== undefined) return undefined;
      at[part] = position;
      position += part.length;
      rest = rest.slice(part.length);
      continue;
    }
    if (/^([A-SU-Ya-z]|[^\x20-\x7e])/.test(rest)) return undefined;
    literals.push({ at: position, byte: rest.charCodeAt(0) });
    position += 1;
    rest = rest.slice(1);
  }
  const hasDate = [...dateParts].every((part) => at[part] !== undefined);
  return hasDate ? { length: position, at, literals } : undefined;
}

function matches(field: FieldBytes, pattern: TimePattern): boolean {
  if (field.end - field.start !== pattern.length) return false;
  return pattern.literals.every(({ at, byte }) => field.bytes[field.start + at] === byte);
}

/** The number of a part; an absent one is 0, a wrong one NaN. */
function numberOf(field: FieldBytes, pattern: TimePattern, part: Part): number {
  const at = pattern.at[part];
  return at === undefined ? 0 : fixedDigits(field.bytes, field.start + at, part.length);
}

function daysIn(field: FieldBytes, pattern: TimePattern): number {
  const year = numberOf(field, pattern, 'yyyy');
  const month = numberOf(field, pattern, 'MM');
  const day = numberOf(field, pattern, 'dd');
  return isDate(year, month, day) ? daysOf(year, month, day) : Number.NaN;
}

export function patternDateEncoder(pattern: TimePattern): FieldEncoder {
  return (field, out) => {
    const days = matches(field, pattern) ? daysIn(field, pattern) : Number.NaN;
    if (Number.isNaN(days)) return 'NotADate';
    writeDate(out, days);
    return undefined;
  };
}

export function patternTimestampEncoder(pattern: TimePattern): FieldEncoder {
  return (field, out) => {
    const days = matches(field, pattern) ? daysIn(field, pattern) : Number.NaN;
    const hours = numberOf(field, pattern, 'HH');
    const minutes = numberOf(field, pattern, 'mm');
    const seconds = numberOf(field, pattern, 'ss');
    const millis = numberOf(field, pattern, 'SSS');
    const isTime = hours <= 23 && minutes <= 59 && seconds <= 60 && millis <= 999;
    if (Number.isNaN(days) || !isTime) return 'NotATimestamp';
    return writeTimestamp(
      out,
      days * 86_400 + hours * 3600 + minutes * 60 + seconds,
      millis * 1000,
    );
  };
}
