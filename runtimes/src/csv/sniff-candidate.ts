/**
 * Reads the sample with one candidate dialect and says how much the result looks like a table that
 * somebody meant to write: rows of one width, cells that are whole values, quotes that are used as
 * quotes. The parser itself does the reading, so the sniffer never promises what reading won't keep.
 */

import { cellWorth, shapeOf } from './cell-shape.ts';
import type { Dialect } from './dialect.ts';
import { lossyFieldText, textsOf } from './field-text.ts';
import { endOfLine } from './line-end.ts';
import { parseChunk, type ParsedRecord } from './parser.ts';
import { quotedFlag, strayFlag } from './record-reader.ts';
import { splitLine } from './split-line.ts';

/** Cells looked at for their shape: enough to be sure, few enough for thousands of files. */
const cellsMax = 3000;

export interface Reading {
  readonly dialect: Dialect;
  readonly score: number;
  /** The most telling record width, and the share of records that have it. */
  readonly width: number;
  readonly share: number;
  readonly records: number;
  readonly quotedFields: number;
  readonly strayQuotes: number;
  readonly bad: number;
  /** Quoted fields whose backslashes stand in pairs only, and others with backslashes. */
  readonly pairedBackslashes: number;
  readonly otherBackslashes: number;
  /** Delimiters, and those of them that a space follows. */
  readonly delimiters: number;
  readonly spaced: number;
  /** What its first line leaves of the score: it may rather name one column than several. */
  readonly naming: number;
  /** Whether some record is of several lines. */
  readonly isMultiline: boolean;
}

interface Evidence {
  readonly widths: number[];
  /** The shapes of the cells of the first records, one text a record. */
  readonly firstShapes: string[];
  cells: number;
  worth: number;
  quoted: number;
  stray: number;
  bad: number;
  paired: number;
  unpaired: number;
  /** Fields that begin and end with a double quote although quotes mean nothing here. */
  wasted: number;
  delimiters: number;
  spaced: number;
  /** Cells of many words. */
  wordy: number;
  /** Cells that are an address, an id or a time as they stand. */
  codes: number;
  /** Records with a tab within a cell that is not quoted. */
  tabbed: number;
  /** Records that could be one number: digits, and two digits after the delimiter. */
  decimals: number;
  multiline: number;
}

/** How usual each delimiter is, beside the comma with 1. Rare ones need better evidence. */
const priors: Record<number, number> = {
  0x3b: 0.999,
  0x09: 0.999,
  0x7c: 0.99,
  0x5e: 0.85,
  0x7e: 0.85,
  0x01: 0.95,
  0x1e: 0.95,
  0x1f: 0.95,
  0x21: 0.6,
  0x23: 0.6,
  0x20: 0.55,
  0x3a: 0.4,
};
/** Runs of spaces are hardly an accident: they align columns. */
const runPriors = { 1: 0.7, 2: 0.8 } as const;
const plainPrior = 0.52;
/** Of one column in which nearly every line is an address, an id or a time. */
const codesPrior = 0.75;
/** Marks that addresses hold in percent encoding only, and ids and times never. */
const inNoCode = /[\^|"<>\\`\t]/;
const manyWords = /\S\s+\S+\s+\S+\s+\S/;
/** What is left of the score of sentences that were cut at their commas. */
const proseShare = 0.6;
const tabbedShare = 0.75;
/** So that one column of decimal commas is nearly as likely as two columns, and neither is sure. */
const decimalShare = 0.68;
const wideMin = 4;
/** Quotes that a file may misuse before that says much about its dialect. */
const fewQuotes = 2;

export function readSample(sample: Buffer, dialect: Dialect): Reading {
  const evidence: Evidence = {
    widths: [],
    firstShapes: [],
    cells: 0,
    worth: 0,
    quoted: 0,
    stray: 0,
    bad: 0,
    paired: 0,
    unpaired: 0,
    wasted: 0,
    delimiters: 0,
    spaced: 0,
    wordy: 0,
    codes: 0,
    tabbed: 0,
    decimals: 0,
    multiline: 0,
  };
  const chunk = { bytes: sample, offset: 0, dialect, maxRecordBytes: sample.length + 1 };
  parseChunk(chunk, {
    record: (record) => weigh(record, evidence),
    bad: ({ start, end }) => weighBroken(sample.subarray(start, end), dialect, evidence),
  });
  const { width, share } = modalWidth(evidence.widths);
  return {
    dialect,
    score: score(evidence, dialect),
    width,
    share,
    records: evidence.widths.length,
    quotedFields: evidence.quoted,
    strayQuotes: evidence.stray,
    bad: evidence.bad,
    pairedBackslashes: evidence.paired,
    otherBackslashes: evidence.unpaired,
    delimiters: evidence.delimiters,
    spaced: evidence.spaced,
    naming: naming(evidence, dialect, width),
    isMultiline: evidence.multiline > 0,
  };
}

function weigh(record: ParsedRecord, evidence: Evidence): void {
  evidence.widths.push(record.fieldCount);
  if (evidence.firstShapes.length < 3) {
    evidence.firstShapes.push(textsOf(record).map(shapeOf).join());
  }
  const takesCells = evidence.cells < cellsMax;
  if (isDecimal(record)) evidence.decimals += 1;
  if (endOfLine(record.bytes, record.start, record.end) < record.end) evidence.multiline += 1;
  if (takesCells && holdsTab(record)) evidence.tabbed += 1;
  for (let index = 0; index < record.fieldCount; index += 1) {
    const flags = record.fieldFlags[index] ?? 0;
    weighQuotes(record, index, evidence);
    if (index > 0) weighSpaces(record, index, evidence);
    if (!takesCells) continue;
    evidence.cells += 1;
    if ((flags & strayFlag) !== 0) evidence.worth += 0.5;
    else if ((flags & quotedFlag) !== 0) evidence.worth += 1;
    else evidence.worth += worthOf(record, index, evidence);
  }
}

/** `403,68` is rather one number than two, where no other record says so. */
function isDecimal(record: ParsedRecord): boolean {
  if (record.fieldCount !== 2 || record.dialect.delimiter !== 0x2c) return false;
  return /^-?\d+,\d\d$/.test(record.bytes.toString('latin1', record.start, record.end));
}

function holdsTab(record: ParsedRecord): boolean {
  const { bytes, dialect, fieldStart, fieldEnd, fieldFlags } = record;
  if (dialect.delimiter === 0x09 || dialect.delimiter === 0x20) return false;
  const first = bytes.indexOf(0x09, record.start);
  if (first < 0 || first >= record.end) return false;
  for (let index = 0; index < record.fieldCount; index += 1) {
    const isQuoted = ((fieldFlags[index] ?? 0) & quotedFlag) !== 0;
    const cell = bytes.subarray(fieldStart[index], fieldEnd[index]);
    if (!isQuoted && cell.includes(0x09)) return true;
  }
  return false;
}

/** An empty cell between two spaces is no cell: the spaces were there to align. */
function worthOf(record: ParsedRecord, index: number, evidence: Evidence): number {
  const isEmpty = record.fieldStart[index] === record.fieldEnd[index];
  if (isEmpty && record.dialect.delimiter === 0x20) return 0.2;
  const text = lossyFieldText(record, index);
  if (manyWords.test(text)) evidence.wordy += 1;
  if (record.fieldCount === 1 && isCode(text)) evidence.codes += 1;
  return cellWorth(text);
}

function isCode(text: string): boolean {
  if (inNoCode.test(text)) return false;
  const shape = shapeOf(text);
  return shape === 'date' || (shape === 'code' && text[0] !== '{' && text[0] !== '[');
}

/** A line with a quote that never closes still shows its width; its cells are half trusted. */
function weighBroken(line: Buffer, dialect: Dialect, evidence: Evidence): void {
  evidence.bad += 1;
  if (evidence.cells >= cellsMax && dialect.spacesMin === undefined) {
    evidence.widths.push(1 + countOf(line, String.fromCodePoint(dialect.delimiter)));
    return;
  }
  const { length } = splitLine(line, dialect);
  evidence.widths.push(length);
  evidence.cells += length;
  evidence.worth += length * 0.5;
}

/** Enough for widths: splitting every line of a file whose quotes never close would take seconds. */
function countOf(line: Buffer, delimiter: string): number {
  let count = 0;
  for (let at = line.indexOf(delimiter); at >= 0; at = line.indexOf(delimiter, at + 1)) count += 1;
  return count;
}

function weighQuotes(record: ParsedRecord, index: number, evidence: Evidence): void {
  const flags = record.fieldFlags[index] ?? 0;
  if ((flags & strayFlag) !== 0) evidence.stray += 1;
  else if ((flags & quotedFlag) !== 0) {
    evidence.quoted += 1;
    weighBackslashes(record, index, evidence);
  } else {
    const [start, end] = [record.fieldStart[index] ?? 0, record.fieldEnd[index] ?? 0];
    const first = record.bytes[start];
    const isEnclosed = end - start > 1 && first === record.bytes[end - 1];
    if (isEnclosed && (first === 0x22 || first === 0x27)) evidence.wasted += 1;
  }
}

/** A path written with `\\\\` throughout comes from a writer that escapes by backslash. */
function weighBackslashes(record: ParsedRecord, index: number, evidence: Evidence): void {
  const [start, end] = [record.fieldStart[index] ?? 0, record.fieldEnd[index] ?? 0];
  const first = record.bytes.indexOf(0x5c, start);
  if (first < 0 || first >= end) return;
  const runs = record.bytes.toString('latin1', start, end).match(/\\+/g) ?? [];
  // A network path begins with two, which say nothing, or with four if they are escaped.
  const telling = first === start && runs[0]?.length === 2 ? runs.slice(1) : runs;
  if (telling.length === 0) return;
  if (telling.every((run) => run.length % 2 === 0)) evidence.paired += 1;
  else evidence.unpaired += 1;
}

function weighSpaces(record: ParsedRecord, index: number, evidence: Evidence): void {
  // An empty field at the end has nothing before which a space could stand.
  const isLast = index === record.fieldCount - 1;
  if (isLast && record.fieldStart[index] === record.fieldEnd[index]) return;
  evidence.delimiters += 1;
  let at = record.fieldStart[index] ?? 0;
  const isQuoted = ((record.fieldFlags[index] ?? 0) & quotedFlag) !== 0;
  // A quoted field begins after its quote and the spaces before that, which come after ours.
  if (isQuoted) at -= 2;
  else if (record.dialect.padded === true) at -= 1;
  if (record.bytes[at] === 0x20) evidence.spaced += 1;
}

/** The width most records have; one-field records weigh less, since any wrong delimiter makes them. */
function modalWidth(widths: readonly number[]): { width: number; share: number } {
  const counts = new Map<number, number>();
  for (const width of widths) counts.set(width, (counts.get(width) ?? 0) + 1);
  let best = { width: widths.length === 0 ? 0 : 1, weight: -1, count: 0 };
  for (const [width, count] of counts) {
    const weight = width <= 1 ? count * 0.4 : count * (1 - 0.2 / width);
    if (width > 0 && weight > best.weight) best = { width, weight, count };
  }
  return { width: best.width, share: widths.length === 0 ? 0 : best.count / widths.length };
}

function score(evidence: Evidence, dialect: Dialect): number {
  const { widths, cells, worth } = evidence;
  if (cells === 0) return 0;
  const { width, share } = modalWidth(widths);
  const near = widths.filter((other) => Math.abs(other - width) <= 1).length / widths.length;
  let agreeing = 0;
  for (let row = 1; row < widths.length; row += 1) {
    if (widths[row] === widths[row - 1]) agreeing += 1;
  }
  const agreement = widths.length > 1 ? agreeing / (widths.length - 1) : 0.7;
  const several = widths.filter((other) => other > 1).length / widths.length;
  // Ragged through and through, but every piece is a number or a word: still a table.
  const floor = worth / cells > 0.92 ? 0.65 * several : 0;
  // In a wide table one field more or less is an accident; in a narrow one it is another shape.
  const alike = width < wideMin ? share : (share + near) / 2;
  const consistency = Math.max(floor, 0.6 * alike + 0.22 * agreement + 0.18 * near);
  const plain = evidence.codes >= (cells - 1) * 0.9 && cells > 2 ? codesPrior : plainPrior;
  const size = width === 1 ? plain : (1 - 0.4 / width) * prior(dialect, { width, share });
  return (
    consistency *
    (worth / cells) *
    size *
    quoting(evidence) *
    naming(evidence, dialect, width) *
    (isProse(evidence, width) ? proseShare : 1) *
    (isTabbed(evidence) ? tabbedShare : 1)
  );
}

/** Who writes a tab into every record separates by tabs: they are rarer in cells than any other mark. */
function isTabbed({ tabbed, widths }: Evidence): boolean {
  return tabbed > 1 && tabbed >= widths.length * 0.9;
}

/** Sentences have a space after each comma, and nearly all that is between commas is many words. */
function isProse({ delimiters, spaced, wordy, cells }: Evidence, width: number): boolean {
  return width > 1 && width < wideMin && spaced >= delimiters * 0.9 && wordy > cells * 0.5;
}

/** Many fields in nearly every record are no accident, even with a delimiter that is rare. */
function prior(
  { delimiter, spacesMin }: Dialect,
  { width, share }: { width: number; share: number },
): number {
  const usual = spacesMin === undefined ? (priors[delimiter] ?? 1) : runPriors[spacesMin];
  const agreed = Math.min(1, Math.max(0, (share - 0.8) / 0.15));
  return usual + (1 - usual) * 0.5 * agreed * Math.min(1, Math.max(0, (width - 3) / 2));
}

/** What is left of a score if the first record rather names one column than several. */
function naming(evidence: Evidence, { delimiter }: Dialect, width: number): number {
  if (isNamedColumn(evidence)) return 0.6;
  const { decimals, widths } = evidence;
  if (decimals === widths.length) return decimalShare;
  // A name of other words than its values: their spaces are spaces.
  return delimiter === 0x20 && evidence.widths[0] !== width ? 0.8 : 1;
}

/**
 * One field and then two alike in every record: a name above values that hold the delimiter. If the
 * first of the two-field records differs from the next, it is a header, and the one above a title.
 */
function isNamedColumn({ widths, firstShapes }: Evidence): boolean {
  const isOneThenTwo = widths.every((width, row) => width === (row === 0 ? 1 : 2));
  return widths.length > 1 && isOneThenTwo && firstShapes[1] === (firstShapes[2] ?? firstShapes[1]);
}

function quoting(evidence: Evidence): number {
  const { quoted, stray, wasted, bad } = evidence;
  const all = quoted + stray + wasted + bad;
  return all === 0 ? 1 : 1 - (0.3 * (stray + wasted + bad)) / (all + fewQuotes);
}
