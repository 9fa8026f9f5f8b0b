/**
 * Writes records in a dialect, such that the parser reads back the same values. For property tests,
 * samples and benchmarks. A value that the dialect cannot hold is refused, not mangled.
 */

import { Permanent } from '@millrace/kit/permanent';
import type { Dialect } from './dialect.ts';
import { encodeText } from './encoding.ts';

export type LineEnd = '\n' | '\r\n' | '\r';

/** One record with its line end. */
export function encodeRecord(
  values: readonly string[],
  dialect: Dialect,
  lineEnd: LineEnd = '\n',
): Buffer {
  const delimiter = delimiterOf(dialect) + (dialect.padded === true ? ' ' : '');
  const fields = values.map((value, index) =>
    encodeField(value, dialect, { index, of: values.length }),
  );
  const text = fields.join(delimiter) + lineEnd;
  const bytes = encodeText(text, dialect.encoding);
  if (bytes === undefined) throw refused('a character outside of Windows-1252');
  return bytes;
}

function delimiterOf({ delimiter, spacesMin = 1 }: Dialect): string {
  return String.fromCodePoint(delimiter).repeat(spacesMin);
}

interface Place {
  readonly index: number;
  readonly of: number;
}

function encodeField(value: string, dialect: Dialect, place: Place): string {
  const { quote } = dialect;
  if (quote === undefined) return encodePlain(value, dialect, place);
  if (!needsQuotes(value, dialect, place)) return value;
  const mark = String.fromCharCode(quote);
  if (dialect.escape === 'Doubled') return mark + value.replaceAll(mark, mark + mark) + mark;
  if (dialect.escape === 'Backslash') {
    return mark + value.replaceAll('\\', '\\\\').replaceAll(mark, `\\${mark}`) + mark;
  }
  if (value.includes(mark)) throw refused('a quote, which nothing escapes');
  return mark + value + mark;
}

function needsQuotes(value: string, dialect: Dialect, place: Place): boolean {
  if (value === '') return place.of === 1 || dialect.spacesMin !== undefined;
  if (/^[ \t]|[\r\n]/.test(value)) return true;
  if (isComment(value, dialect, place)) return true;
  if (dialect.spacesMin !== undefined && value.endsWith(' ')) return true;
  const special = [delimiterOf(dialect), String.fromCodePoint(dialect.quote ?? 0)];
  if (dialect.escape === 'Backslash') special.push('\\');
  return special.some((text) => value.includes(text));
}

function encodePlain(value: string, dialect: Dialect, place: Place): string {
  const delimiter = delimiterOf(dialect);
  if (value === '' && place.of === 1) throw refused('an empty line, which is blank');
  if (isComment(value, dialect, place)) throw refused('a value that begins a comment');
  if (dialect.padded === true && /^[ \t]/.test(value)) throw refused('spaces after a delimiter');
  if (dialect.spacesMin !== undefined) assertKept(value, dialect.spacesMin);
  if (dialect.escape === 'Backslash') {
    return value.replace(/[\\\r\n]|./gsu, (character) =>
      character === delimiter || /[\\\r\n]/.test(character) ? `\\${character}` : character,
    );
  }
  if (/[\r\n]/.test(value) || value.includes(delimiter)) throw refused('a delimiter or line end');
  return value;
}

/** Runs of spaces have no room for empty fields, nor for spaces at the ends of one. */
function assertKept(value: string, spacesMin: 1 | 2): void {
  const isLost = /^ | $|^$/.test(value) || (spacesMin === 2 && value.includes('  '));
  if (isLost) throw refused('a value that is empty or has spaces where they separate');
}

function isComment(value: string, dialect: Dialect, place: Place): boolean {
  const { comment } = dialect;
  return comment !== undefined && place.index === 0 && value.codePointAt(0) === comment;
}

function refused(what: string): Permanent {
  return new Permanent('NotEncodable', `the dialect cannot hold ${what}`);
}
