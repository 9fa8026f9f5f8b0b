/**
 * Finds the dialect of a file from its first MiB: reads it with every candidate (delimiter × quote
 * × escape) that its bytes make possible and keeps the reading that looks most like a table.
 *
 * Fields that the format fixes are not searched. First the beginning of the sample decides about
 * the delimiter; then all of it decides about quotes, which may be rare. Ties go to the plainest
 * dialect: comma, double quote, doubled.
 */

import {
  givenDelimiter,
  noDelimiter,
  standardDialect,
  type Dialect,
  type Escape,
  type FormatSpec,
} from './dialect.ts';
import { CR, LF } from './line-end.ts';
import { parseChunk } from './parser.ts';
import { textsOf } from './field-text.ts';
import { separatorHint, type SeparatorHint } from './separator-hint.ts';
import { splitLine } from './split-line.ts';
import { readSample, type Reading } from './sniff-candidate.ts';
import { sniffEncoding } from './sniff-encoding.ts';
import { sniffHeader } from './sniff-header.ts';
import { ColumnGuess, type ColumnType } from './column-type.ts';

export interface Sniffed {
  readonly dialect: Dialect;
  /** 0 to 1: how sure a person would be. */
  readonly confidence: number;
  /** Why, in sentences without values of the file. */
  readonly reasons: readonly string[];
  /** The number of fields that most records have; 0 if there are none. */
  readonly width: number;
  /** A guess from the sample, one for each column of the usual width. */
  readonly columnTypes: readonly ColumnType[];
}

const sampleBytesMax = 1 << 20;
/** Enough lines to tell delimiters apart; thousands of files must be sniffed in one call. */
const firstLookBytes = 64 << 10;
const headerRowsMax = 200;
const accidentsMax = 4;
const betterShare = 0.1;

const delimiters = [
  ',',
  ';',
  '\t',
  '|',
  ' ',
  ':',
  '^',
  '~',
  '#',
  '!',
  '\u0001',
  '\u001e',
  '\u001f',
].map((character) => character.charCodeAt(0));

export function sniff(
  head: Buffer,
  format: FormatSpec,
  options: { isWholeFile: boolean },
): Sniffed {
  const { encoding, bomBytes, reason } = sniffEncoding(head);
  const isCut = !options.isWholeFile || head.length > sampleBytesMax;
  const whole = isCut ? wholeLines(head.subarray(0, sampleBytesMax)) : head;
  const hint = separatorHint(head, bomBytes);
  const sample = whole.subarray(bomBytes + (hint?.bytes ?? 0));
  const base: Dialect = {
    ...standardDialect,
    encoding: fixed(format.encoding) ?? encoding,
    bomBytes,
    comment: format.comment?.codePointAt(0),
    ...givenDelimiter(format),
    ...(format.preambleLines === undefined ? {} : { preambleLines: format.preambleLines }),
  };
  const reasons = [`encoding: ${reason}`];
  const { best, second } = search(sample, base, hinted(format, hint));
  const rows = firstRows(sample, best.dialect);
  const guess = sniffHeader(rows, best.width);
  const header = format.header === 'Present' || (format.header !== 'Absent' && guess.isHeader);
  reasons.push(...explain(best, second));
  reasons.push(fixed(format.header) === undefined ? `header: ${guess.reason}` : 'header: given');
  return {
    dialect: { ...best.dialect, header },
    confidence: confidence(best, second),
    reasons,
    width: best.width,
    columnTypes: columnTypes(header ? rows.slice(1) : rows, best.width),
  };
}

function hinted(format: FormatSpec, hint: SeparatorHint | undefined): FormatSpec {
  const isFree = hint !== undefined && fixed(format.delimiter) === undefined;
  return isFree ? { ...format, delimiter: hint.delimiter } : format;
}

/** The whole lines of a sample that ends anywhere; all of it if it is one line. */
function wholeLines(sample: Buffer): Buffer {
  const end = Math.max(sample.lastIndexOf(LF), sample.lastIndexOf(CR));
  return end < 0 ? sample : sample.subarray(0, end + 1);
}

interface Found {
  readonly best: Reading;
  readonly second: Reading | undefined;
}

function search(sample: Buffer, base: Dialect, format: FormatSpec): Found {
  const beginning =
    sample.length > firstLookBytes ? wholeLines(sample.subarray(0, firstLookBytes)) : sample;
  const readings = delimiterCandidates(sample, format).map((delimiter) =>
    bestReading(beginning, quoteCandidates(beginning, { ...base, delimiter }, format)),
  );
  const ranked = readings.toSorted((left, right) => right.score - left.score);
  const [first, second] = ranked as [Reading, ...Reading[]];
  const dialect = { ...base, delimiter: first.dialect.delimiter };
  const best =
    beginning === sample ? first : bestReading(sample, quoteCandidates(sample, dialect, format));
  return { best: refine(sample, best, format), second };
}

function bestReading(sample: Buffer, candidates: readonly Dialect[]): Reading {
  const readings = candidates.map((candidate) => readSample(sample, candidate));
  const [first, ...others] = readings as [Reading, ...Reading[]];
  return others.reduce((best, reading) => {
    const isPlausible = isUsed(reading, first);
    return isPlausible && reading.score > best.score + 1e-9 ? reading : best;
  }, first);
}

/**
 * Other quotes than the first candidate's must earn it: by being used more, by making the records
 * agree, or by its failing.
 */
function isUsed(reading: Reading, first: Reading): boolean {
  const { quote } = reading.dialect;
  if (quote === first.dialect.quote) return true;
  if (quote === undefined) return isBeyondQuotes(first);
  if (reading.quotedFields > first.quotedFields) return true;
  return reading.quotedFields > 0 && reading.share > first.share + betterShare;
}

/**
 * A quote that never closes is an accident, to be rejected by itself; only many of them, more than
 * there are quoted fields, show that this file does not quote at all.
 */
function isBeyondQuotes({ bad, strayQuotes, quotedFields }: Reading): boolean {
  return bad >= accidentsMax && bad + strayQuotes > quotedFields;
}

function delimiterCandidates(sample: Buffer, format: FormatSpec): number[] {
  const given = givenDelimiter(format);
  if (given !== undefined) return [given.delimiter];
  const usual = delimiters.slice(0, 4);
  const comment = format.comment?.charCodeAt(0);
  const present = delimiters.filter(
    (delimiter) => delimiter !== comment && sample.includes(delimiter),
  );
  // One column: nothing separates. Any usual delimiter that does not occur says so.
  const absent = usual.find((delimiter) => !present.includes(delimiter)) ?? noDelimiter;
  // In this order, since the first of equals is taken.
  return delimiters.filter((delimiter) => delimiter === absent || present.includes(delimiter));
}

function quoteCandidates(sample: Buffer, base: Dialect, format: FormatSpec): Dialect[] {
  const given = fixed(format.quote);
  const quotes: (number | undefined)[] = [];
  if (given !== undefined) quotes.push(given === 'None' ? undefined : given.charCodeAt(0));
  else {
    quotes.push(0x22);
    if (sample.includes(0x27)) quotes.push(0x27);
    if (sample.includes(0x22)) quotes.push(undefined);
  }
  return quotes
    .flatMap((quote) => paddings(sample, { ...base, quote }, format))
    .flatMap((dialect) =>
      escapeCandidates(sample, dialect, format).map((escape) => ({ ...dialect, escape })),
    );
}

/** Spaces before quotes must be read as padding to see whether all delimiters have them. */
function paddings(sample: Buffer, dialect: Dialect, format: FormatSpec): Dialect[] {
  const { delimiter, quote } = dialect;
  if (quote === undefined || delimiter === 0x20 || fixed(format.delimiter) !== undefined) {
    return [dialect];
  }
  const isFound = sample.includes(Buffer.from([delimiter, 0x20, quote]));
  return isFound ? [dialect, { ...dialect, padded: true }] : [dialect];
}

function escapeCandidates(sample: Buffer, dialect: Dialect, format: FormatSpec): Escape[] {
  const given = fixed(format.escape);
  if (given !== undefined) return [given];
  const escapes: Escape[] = [dialect.quote === undefined ? 'None' : 'Doubled'];
  const escaped = [dialect.quote, dialect.delimiter].some(
    (byte) => byte !== undefined && sample.includes(Buffer.from([0x5c, byte])),
  );
  if (escaped) escapes.push('Backslash');
  return escapes;
}

/** What only shows once the delimiter and the quotes are known. */
function refine(sample: Buffer, reading: Reading, format: FormatSpec): Reading {
  const { dialect } = reading;
  const escape = fixed(format.escape) === undefined && isBackslashed(reading) ? 'Backslash' : null;
  const isPadded = fixed(format.delimiter) === undefined && hasSpaces(reading);
  if (escape === null && isPadded === (dialect.padded === true)) return reading;
  const { padded: _, ...plain } = { ...dialect, escape: escape ?? dialect.escape };
  return readSample(sample, isPadded ? { ...plain, padded: true } : plain);
}

function isBackslashed({ dialect, pairedBackslashes, otherBackslashes }: Reading): boolean {
  return dialect.escape === 'Doubled' && pairedBackslashes > 0 && otherBackslashes === 0;
}

/** If a space follows every delimiter, the two of them are what separates. */
function hasSpaces({ dialect, delimiters: all, spaced }: Reading): boolean {
  return dialect.delimiter !== 0x20 && all > 1 && spaced >= all * 0.97;
}

function firstRows(sample: Buffer, dialect: Dialect): string[][] {
  const rows: string[][] = [];
  const bytes =
    sample.length > firstLookBytes ? wholeLines(sample.subarray(0, firstLookBytes)) : sample;
  const chunk = { bytes, offset: 0, dialect, maxRecordBytes: bytes.length + 1 };
  parseChunk(chunk, {
    record: (record) => {
      if (rows.length <= headerRowsMax) rows.push(textsOf(record));
    },
    bad: (bad) => {
      if (rows.length <= headerRowsMax)
        rows.push(splitLine(bytes.subarray(bad.start, bad.end), dialect));
    },
  });
  return rows;
}

function columnTypes(rows: readonly (readonly string[])[], width: number): ColumnType[] {
  const guesses = Array.from({ length: width }, () => new ColumnGuess());
  for (const row of rows) {
    if (row.length === width) for (const [index, cell] of row.entries()) guesses[index]?.add(cell);
  }
  return guesses.map((guess) => guess.type);
}

function explain(best: Reading, second: Reading | undefined): string[] {
  if (best.records === 0) return ['the file holds no records'];
  const share = Math.round(best.share * 100);
  const reasons = [`delimiter: ${share} % of ${best.records} records have ${best.width} fields`];
  if (second !== undefined) {
    reasons.push(
      `runner-up: ${name(second.dialect)} scored ${percent(second.score)} against ${percent(best.score)}`,
    );
  }
  const { quotedFields, strayQuotes, bad } = best;
  reasons.push(`quotes: ${quotedFields} quoted fields, ${strayQuotes} stray, ${bad} never closed`);
  return reasons;
}

function name(dialect: Dialect): string {
  return JSON.stringify(String.fromCharCode(dialect.delimiter));
}

function percent(score: number): string {
  return `${Math.round(score * 100)} %`;
}

/** Half from the reading itself, half from the distance to the next one. */
function confidence(best: Reading, second: Reading | undefined): number {
  if (best.records === 0) return 0;
  const lead =
    second === undefined ? 1 : Math.min(1, (best.score - second.score) / (best.score || 1) / 0.4);
  return Math.round(Math.max(0, 0.5 * best.share + 0.5 * lead) * 100) / 100;
}

function fixed<T extends string>(value: T | undefined): Exclude<T, 'Auto'> | undefined {
  return value === undefined || value === 'Auto' ? undefined : (value as Exclude<T, 'Auto'>);
}
