/**
 * The candidates that a sample makes possible (delimiter × quote × escape), and the choice among
 * their readings. First the beginning of the sample decides about the delimiter; then all of it, with
 * what was read later in the file, decides about quotes, which may be rare. Ties go to the plainest
 * dialect: comma, double quote, doubled. Fields that the format fixes are not searched.
 */

import {
  fixed,
  givenDelimiter,
  noDelimiter,
  standardDialect,
  type Delimiter,
  type Dialect,
  type Escape,
  type FormatSpec,
} from './dialect.ts';
import { readSample, type Reading } from './sniff-candidate.ts';
import { beginningOf, recordsOf, type Excerpt } from './sniff-excerpt.ts';
import { sniffHeader } from './sniff-header.ts';
import { tableStart } from './sniff-preamble.ts';
import { rowsOf } from './sniff-rows.ts';
import { withoutLines } from './sniff-sample.ts';

const accidentsMax = 4;
const betterShare = 0.1;
/** One quote of so many may be misused without doubt. */
const misusedMax = 4;
/** With less than this share of the best score, no candidate gains enough without its preamble. */
const hopelessShare = 0.5;
/** What is left of the score of a reading that has to leave out what is above its table. */
const preambleShare = 0.94;
const namelessShare = 0.8;
const headerRows = 100;

/** In the order of how usual they are, since the first of equals is taken. */
const delimiters = Array.from(',;\t| :^~#!\u0001\u001e\u001f¦§', (character) => ({
  delimiter: character.charCodeAt(0),
}));
const usual: readonly Delimiter[] = delimiters.slice(0, 4);
const spaceRuns: readonly Delimiter[] = [
  { delimiter: 0x20, spacesMin: 2 },
  { delimiter: 0x20, spacesMin: 1 },
];

export interface Found {
  readonly best: Reading;
  /** The best reading with another delimiter. */
  readonly second: Reading | undefined;
  /** Lines above the table; 0 if the format gives them. */
  readonly preambleLines: number;
  /** Lines above the table that most rows belong to, if a smaller one stands above it; else 0. */
  readonly mainLines: number;
  /** The sample without them. */
  readonly table: Excerpt;
  /** The pieces from later in the file that could be read. */
  readonly pieces: readonly Buffer[];
}

/** `sample.later`: pieces from later in the file, for quotes that are rare. */
export function search(sample: SearchedSample, format: FormatSpec): Found {
  const base = { ...standardDialect, comment: format.comment?.codePointAt(0) };
  const whole = { bytes: sample.bytes, to: sample.bytes.length, isCut: sample.isCut };
  const beginning = beginningOf(whole);
  const readings = delimiterCandidates(sample.bytes, format).map((delimiter) =>
    bestReading(beginning, quoteCandidates(beginning, { ...base, ...delimiter }, format)),
  );
  const isFree = format.preambleLines === undefined;
  const most = Math.max(...readings.map(({ score }) => score));
  const candidates = readings.map((reading) =>
    isFree && reading.score > most * hopelessShare
      ? withoutPreamble(beginning, reading)
      : { reading, preambleLines: 0, mainLines: 0 },
  );
  const ranked = candidates.toSorted((left, right) => right.reading.score - left.reading.score);
  const [first, second] = ranked as [Candidate, ...Candidate[]];
  const { delimiter, spacesMin } = first.reading.dialect;
  const dialect = { ...base, delimiter, ...(spacesMin === undefined ? {} : { spacesMin }) };
  const { preambleLines, mainLines } = first;
  const table = below(whole, preambleLines);
  // A piece may begin within a record of many lines, and then its lines are none.
  const pieces = first.reading.isMultiline ? [] : sample.later;
  const all = pieces.length === 0 ? table : withPieces(table, pieces);
  const isAllSeen = beginning.to === all.bytes.length && preambleLines === 0;
  const best = isAllSeen ? first.reading : bestReading(all, quoteCandidates(all, dialect, format));
  const found = { second: second?.reading, preambleLines, mainLines, table, pieces };
  return { ...found, best: refine(all, best, format) };
}

interface SearchedSample {
  readonly bytes: Buffer;
  readonly isCut: boolean;
  readonly later: readonly Buffer[];
}

function below({ bytes, to, isCut }: Excerpt, lines: number): Excerpt {
  const rest = withoutLines(bytes, lines);
  return { bytes: rest, to: Math.max(0, to - (bytes.length - rest.length)), isCut };
}

function withPieces({ bytes }: Excerpt, pieces: readonly Buffer[]): Excerpt {
  const all = Buffer.concat([bytes, ...pieces]);
  return { bytes: all, to: all.length, isCut: false };
}

interface Candidate {
  readonly reading: Reading;
  readonly preambleLines: number;
  readonly mainLines: number;
}

/** The reading of the table alone, if there is something above it: that costs it a little. */
function withoutPreamble(sample: Excerpt, whole: Reading): Candidate {
  const rows = rowsOf(recordsOf(sample, whole.dialect), whole.dialect);
  const { start, mainStart } = tableStart(rows, whole.width);
  const mainLines = mainStart === 0 ? 0 : (rows[mainStart]?.line ?? 1) - 1;
  if (start === 0) return { reading: whole, preambleLines: 0, mainLines };
  const preambleLines = (rows[start]?.line ?? 1) - 1;
  const reading = readExcerpt(below(sample, preambleLines), whole.dialect);
  const table = rows.slice(start, start + headerRows).map(({ cells }) => cells);
  const isNamed = sniffHeader(table, reading.width).votes > 0;
  // One line above values alone: with another delimiter, it might be their header.
  const share = isNamed ? preambleShare : namelessShare;
  const score = reading.score * whole.naming * share;
  return { reading: { ...reading, score }, preambleLines, mainLines };
}

function readExcerpt(excerpt: Excerpt, dialect: Dialect): Reading {
  return readSample(recordsOf(excerpt, dialect), dialect);
}

function bestReading(sample: Excerpt, candidates: readonly Dialect[]): Reading {
  const readings = candidates.map((candidate) => readExcerpt(sample, candidate));
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
  // Apostrophes before words: many close nothing, and the records agree without them.
  const misused = reading.bad + reading.strayQuotes;
  const isDoubtful = quote !== undefined && misused * misusedMax > reading.quotedFields;
  if (isDoubtful && first.share >= reading.share) return false;
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

function delimiterCandidates(sample: Buffer, format: FormatSpec): readonly Delimiter[] {
  const given = givenDelimiter(format);
  if (given !== undefined) return [given];
  const comment = format.comment?.codePointAt(0);
  const isIn = ({ delimiter }: Delimiter): boolean =>
    delimiter !== comment && sample.includes(String.fromCodePoint(delimiter));
  const present = delimiters.filter(isIn);
  // One column: nothing separates. Any usual delimiter that does not occur says so.
  const absent = usual.find((delimiter) => !present.includes(delimiter)) ?? {
    delimiter: noDelimiter,
  };
  const runs = sample.includes('  ') ? spaceRuns : [];
  const single = delimiters.filter((it) => it === absent || present.includes(it));
  return [...single, ...runs];
}

function quoteCandidates(excerpt: Excerpt, base: Dialect, format: FormatSpec): Dialect[] {
  const sample = excerpt.bytes.subarray(0, excerpt.to);
  const given = fixed(format.quote);
  const quotes: (number | undefined)[] = [];
  if (given !== undefined) quotes.push(given === 'None' ? undefined : given.codePointAt(0));
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
  const isFound = sample.includes(String.fromCodePoint(delimiter, 0x20, quote));
  return isFound ? [dialect, { ...dialect, padded: true }] : [dialect];
}

function escapeCandidates(sample: Buffer, dialect: Dialect, format: FormatSpec): Escape[] {
  const given = fixed(format.escape);
  if (given !== undefined) return [given];
  const escapes: Escape[] = [dialect.quote === undefined ? 'None' : 'Doubled'];
  const escaped = [dialect.quote, dialect.delimiter].some(
    (character) =>
      character !== undefined && sample.includes(`\\${String.fromCodePoint(character)}`),
  );
  if (escaped) escapes.push('Backslash');
  return escapes;
}

/** What only shows once the delimiter and the quotes are known. */
function refine(sample: Excerpt, reading: Reading, format: FormatSpec): Reading {
  const { dialect } = reading;
  const escape = fixed(format.escape) === undefined && isBackslashed(reading) ? 'Backslash' : null;
  const isPadded = fixed(format.delimiter) === undefined && hasSpaces(reading);
  if (escape === null && isPadded === (dialect.padded === true)) return reading;
  const { padded: _, ...plain } = { ...dialect, escape: escape ?? dialect.escape };
  return readExcerpt(sample, isPadded ? { ...plain, padded: true } : plain);
}

function isBackslashed({ dialect, pairedBackslashes, otherBackslashes }: Reading): boolean {
  return dialect.escape === 'Doubled' && pairedBackslashes > 0 && otherBackslashes === 0;
}

/** If a space follows every delimiter, the two of them are what separates. */
function hasSpaces({ dialect, delimiters: all, spaced }: Reading): boolean {
  return dialect.delimiter !== 0x20 && all > 1 && spaced >= all * 0.97;
}
