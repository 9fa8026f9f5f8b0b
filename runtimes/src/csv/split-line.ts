/**
 * The best reading of a line that is no valid record, for people's eyes: everything on the line is
 * in the result. The field of a quote that never closes ends at the next delimiter. The quote is left
 * out if a field before it is quoted by habit, since then it is a quote too, and kept as text if not.
 */

import type { Dialect } from './dialect.ts';
import { decodeLossily } from './encoding.ts';
import { lossyFieldText, textsOf, type Fields } from './field-text.ts';
import { decodeFlag, quotedFlag, RecordReader } from './record-reader.ts';
import { unitsOf, type Marks } from './units.ts';

/** Quotes that never close on one line before all further ones are taken literally. */
const repairsMax = 100;

export function splitLine(line: Buffer, dialect: Dialect): string[] {
  // In UTF-8 every unit is one byte, which keeps the places below simple.
  if (unitsOf(dialect).size === 1) return split(line, dialect);
  const text = Buffer.from(decodeLossily(line, dialect.encoding));
  return split(text, { ...dialect, encoding: 'UTF-8' });
}

function split(line: Buffer, dialect: Dialect): string[] {
  const texts: string[] = [];
  const { marks } = unitsOf(dialect);
  let rest = line;
  for (let repairs = 0; repairs < repairsMax; repairs += 1) {
    const reading = read(rest, dialect);
    // One by one: as arguments of one call, the fields of a line could be too many.
    for (const text of textsOf(decodable(reading, rest, dialect))) texts.push(text);
    if (!reading.isBroken) return texts;
    const { view, brokenAt } = reading;
    const quoteAt = view.indexOf(marks.quote ?? 0, brokenAt);
    const delimiterAt = view.indexOf(marks.delimiter, quoteAt);
    const end = delimiterAt < 0 ? rest.length : delimiterAt;
    const isQuote = quotesByHabit(reading, marks);
    const field = rest.subarray(isQuote ? quoteAt + 1 : quoteAt, end);
    texts.push(fieldTextOf(field, dialect, isQuote));
    if (delimiterAt < 0) return texts;
    rest = rest.subarray(afterDelimiter(view, delimiterAt, marks));
    if (rest.length === 0) return marks.indent === undefined ? [...texts, ''] : texts;
  }
  const literal = { ...dialect, quote: undefined, escape: 'None' as const };
  return texts.concat(textsOf(decodable(read(rest, literal), rest, literal)));
}

function afterDelimiter(view: Buffer, at: number, { padding }: Marks): number {
  let after = at + 1;
  while (padding?.[view[after] as number] === 1) after += 1;
  return after;
}

interface LineReading {
  readonly reader: RecordReader;
  readonly view: Buffer;
  readonly isBroken: boolean;
  readonly brokenAt: number;
}

function read(line: Buffer, dialect: Dialect): LineReading {
  const units = unitsOf({ ...dialect, comment: undefined });
  const view = units.of(line);
  const reader = new RecordReader(units.marks, { maxRecordUnits: line.length + 1 });
  reader.bind(view, view.length, true);
  const outcome = line.length === 0 ? 'blank' : reader.read(0);
  return { reader, view, isBroken: outcome === 'unclosed', brokenAt: reader.brokenAt };
}

/** Whether a field is quoted that need not be: then this writer quotes by habit. */
function quotesByHabit({ reader, view }: LineReading, marks: Marks): boolean {
  const { fieldCount, fieldStart, fieldEnd, fieldFlags } = reader;
  for (let index = 0; index < fieldCount; index += 1) {
    const isQuoted = ((fieldFlags[index] ?? 0) & quotedFlag) !== 0;
    const field = view.subarray(fieldStart[index], fieldEnd[index]);
    if (isQuoted && !field.includes(marks.delimiter) && !field.includes(marks.quote ?? 0)) {
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
