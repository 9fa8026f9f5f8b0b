/**
 * Writes records in a dialect, such that the parser reads back the same values. For property tests,
 * samples and benchmarks. A value that the dialect cannot hold is refused, not mangled.
 */

import { Permanent } from '@millrace/kit/permanent';
import type { Dialect } from './dialect.ts';
import { encodeWindows1252 } from './windows-1252.ts';

export type LineEnd = '\n' | '\r\n' | '\r';

/** One record with its line end. */
export function encodeRecord(
  values: readonly string[],
  dialect: Dialect,
  lineEnd: LineEnd = '\n',
): Buffer {
  const delimiter = String.fromCharCode(dialect.delimiter) + (dialect.padded === true ? ' ' : '');
  const fields = values.map((value, index) =>
    encodeField(value, dialect, { index, of: values.length }),
  );
  const text = fields.join(delimiter) + lineEnd;
  if (dialect.encoding === 'UTF-8') return Buffer.from(text, 'utf8');
  const bytes = encodeWindows1252(text);
  if (bytes === undefined) throw refused('a character outside of Windows-1252');
  return bytes;
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
  if (value === '') return place.of === 1;
  if (/^[ \t]|[\r\n]/.test(value)) return true;
  if (isComment(value, dialect, place)) return true;
  const special = [dialect.delimiter, dialect.quote];
  if (dialect.escape === 'Backslash') special.push(0x5c);
  return special.some((byte) => byte !== undefined && value.includes(String.fromCharCode(byte)));
}

function encodePlain(value: string, dialect: Dialect, place: Place): string {
  const delimiter = String.fromCharCode(dialect.delimiter);
  if (value === '' && place.of === 1) throw refused('an empty line, which is blank');
  if (isComment(value, dialect, place)) throw refused('a value that begins a comment');
  if (dialect.padded === true && /^[ \t]/.test(value)) throw refused('spaces after a delimiter');
  if (dialect.escape === 'Backslash') {
    return value.replace(/[\\\r\n]|./gsu, (character) =>
      character === delimiter || /[\\\r\n]/.test(character) ? `\\${character}` : character,
    );
  }
  if (/[\r\n]/.test(value) || value.includes(delimiter)) throw refused('a delimiter or line end');
  return value;
}

function isComment(value: string, dialect: Dialect, place: Place): boolean {
  const { comment } = dialect;
  return comment !== undefined && place.index === 0 && value.charCodeAt(0) === comment;
}

function refused(what: string): Permanent {
  return new Permanent('NotEncodable', `the dialect cannot hold ${what}`);
}
