/**
 * The best reading of a line that is no valid record, for people's eyes: everything on the line is
 * in the result. The field of a quote that never closes ends at the next delimiter. The quote is left
 * out if a field before it is quoted by habit, since then it is a quote too, and kept as text if not.
 */

import type { Dialect } from './dialect.ts';
import { lossyFieldText, textsOf, type Fields } from './field-text.ts';
import { decodeFlag, quotedFlag, RecordReader } from './record-reader.ts';

/** Quotes that never close on one line before all further ones are taken literally. */
const repairsMax = 100;

export function splitLine(line: Buffer, dialect: Dialect): string[] {
  const texts: string[] = [];
  let rest = line;
  for (let repairs = 0; repairs < repairsMax; repairs += 1) {
    const reader = read(rest, dialect);
    texts.push(...textsOf(decodable(reader, rest, dialect)));
    if (!reader.isBroken) return texts;
    const quoteAt = rest.indexOf(dialect.quote ?? 0, reader.brokenAt);
    const delimiterAt = rest.indexOf(dialect.delimiter, quoteAt);
    const end = delimiterAt < 0 ? rest.length : delimiterAt;
    const isQuote = quotesByHabit(reader, rest, dialect);
    const field = rest.subarray(isQuote ? quoteAt + 1 : quoteAt, end);
    texts.push(fieldTextOf(field, dialect, isQuote));
    if (delimiterAt < 0) return texts;
    rest = rest.subarray(delimiterAt + 1);
    if (rest.length === 0) texts.push('');
    if (rest.length === 0) return texts;
  }
  const literal = { ...dialect, quote: undefined, escape: 'None' as const };
  texts.push(...textsOf(decodable(read(rest, literal), rest, literal)));
  return texts;
}

interface LineReading {
  readonly reader: RecordReader;
  readonly isBroken: boolean;
  readonly brokenAt: number;
}

function read(line: Buffer, dialect: Dialect): LineReading {
  const reader = new RecordReader(
    { ...dialect, comment: undefined },
    { maxRecordBytes: line.length + 1 },
  );
  reader.bind(line, line.length, true);
  const outcome = line.length === 0 ? 'blank' : reader.read(0);
  return { reader, isBroken: outcome === 'unclosed', brokenAt: reader.brokenAt };
}

/** Whether a field is quoted that need not be: then this writer quotes by habit. */
function quotesByHabit({ reader }: LineReading, line: Buffer, dialect: Dialect): boolean {
  const { fieldCount, fieldStart, fieldEnd, fieldFlags } = reader;
  for (let index = 0; index < fieldCount; index += 1) {
    const isQuoted = ((fieldFlags[index] ?? 0) & quotedFlag) !== 0;
    const field = line.subarray(fieldStart[index], fieldEnd[index]);
    if (isQuoted && !field.includes(dialect.delimiter) && !field.includes(dialect.quote ?? 0)) {
      return true;
    }
  }
  return false;
}

/** Every field is marked for decoding, since nothing is known about this line's bytes. */
function decodable({ reader }: LineReading, bytes: Buffer, dialect: Dialect): Fields {
  const { fieldCount, fieldStart, fieldEnd, fieldFlags } = reader;
  for (let index = 0; index < fieldCount; index += 1) {
    fieldFlags[index] = (fieldFlags[index] ?? 0) | decodeFlag;
  }
  return { bytes, dialect, fieldCount, fieldStart, fieldEnd, fieldFlags };
}

function fieldTextOf(bytes: Buffer, dialect: Dialect, isQuoted: boolean): string {
  const whole = { fieldStart: Int32Array.of(0), fieldEnd: Int32Array.of(bytes.length) };
  const fieldFlags = Uint8Array.of(isQuoted ? decodeFlag | quotedFlag : decodeFlag);
  return lossyFieldText({ bytes, dialect, fieldCount: 1, ...whole, fieldFlags }, 0);
}
