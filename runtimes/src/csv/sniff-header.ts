/**
 * Whether the first record names the columns. Votes of the columns: a name differs in shape from
 * the values below it; a value does not.
 */

import { shapeOf, type Shape } from './cell-shape.ts';

export interface HeaderGuess {
  readonly isHeader: boolean;
  /** False if hardly anything speaks for or against it. */
  readonly isSure: boolean;
  /** Positive for names, negative for values; the larger, the surer. */
  readonly votes: number;
  readonly reason: string;
}

const sureVotes = 1;

const preambleRowsMax = 3;

export function sniffHeader(rows: readonly (readonly string[])[], width: number): HeaderGuess {
  const [first, ...others] = rows;
  const clear = { isSure: true, votes: 0 };
  if (first === undefined) return { isHeader: true, ...clear, reason: 'there are no records' };
  if (isAbove(rows, width)) {
    return { isHeader: false, ...clear, reason: aboveReason(rows, width) };
  }
  const body = withoutRepeats(first, others);
  const shapes = first.map((cell) => shapeOf(cell.trim()));
  const values = shapes.filter((shape) => shape === 'number' || shape === 'date').length;
  if (body.length === 0) {
    const isNamed = values === 0 || isCountedUp(first, body);
    const isHeader = isNamed && shapes.some((shape) => shape !== 'empty');
    const reason = `the only record ${isHeader ? 'holds no' : 'holds'} values`;
    return { isHeader, ...clear, reason };
  }
  const votes = countVotes(first, body);
  const isSure = Math.abs(votes) >= sureVotes;
  if (votes !== 0) {
    const reason = votes > 0 ? 'the first record differs from' : 'the first record is like';
    return { isHeader: votes > 0, isSure, votes, reason: `${reason} those below it` };
  }
  const names = first.filter((cell) => cell !== '');
  const isUnique = new Set(names).size === names.length && names.length > 0;
  const isHeader = values === 0 && isUnique && !names.some(isSentence);
  const reason = 'nothing but its uniqueness tells the first record from the others';
  return { isHeader, isSure, votes, reason };
}

/** A title is one cell, or a few rows that are far narrower than the table; more are a table too. */
function isAbove(rows: readonly (readonly string[])[], width: number): boolean {
  const start = rows[0]?.length ?? 0;
  if (width <= 1 || start > width / 2) return false;
  return start === 1 || !rows.slice(0, preambleRowsMax + 1).every(({ length }) => length === start);
}

function aboveReason(rows: readonly (readonly string[])[], width: number): string {
  const start = rows.findIndex((row) => row.length === width);
  const above = start < 0 ? rows.length : start;
  const records = above === 1 ? 'the first record does' : `the first ${above} records do`;
  return `${records} not look like the table, which has ${width} columns; remove what is above it`;
}

/**
 * A header that comes again, whole or above another table, is no value of its column; a row that
 * often does is no header.
 */
function withoutRepeats(
  first: readonly string[],
  others: readonly (readonly string[])[],
): readonly (readonly string[])[] {
  // In one column a value that comes again is no sign of anything.
  if (first.length === 1) return others;
  const body = others.filter((row) => !isRepeat(row, first));
  const repeats = others.length - body.length;
  return repeats > Math.max(1, others.length * 0.2) ? others : body;
}

function isRepeat(row: readonly string[], first: readonly string[]): boolean {
  const equal = row.filter((cell, column) => cell === first[column]);
  if (equal.length === row.length && row.length === first.length) return true;
  return equal.filter((cell) => cell !== '').length >= Math.max(2, first.length / 2);
}

function countVotes(first: readonly string[], body: readonly (readonly string[])[]): number {
  let votes = isCountedUp(first, body) ? 2 * first.length : 0;
  for (const [column, cell] of first.entries()) {
    const below = body.flatMap((row) => row.slice(column, column + 1));
    votes += vote(cell.trim(), below);
  }
  return votes;
}

const yearMin = 1800;
const yearMax = 2200;

const positionsMin = 3;

/** Years side by side, or 0, 1, 2 above values that are no numbers, are names although they count. */
function isCountedUp(first: readonly string[], body: readonly (readonly string[])[]): boolean {
  const columns = first.flatMap((cell, column) => (/^\d{1,4}$/.test(cell.trim()) ? [column] : []));
  const numbers = columns.map((column) => Number(first[column]));
  if (numbers.length < 2) return false;
  const [start, last] = [numbers[0] ?? 0, numbers.at(-1) ?? 0];
  if (start >= yearMin && last <= yearMax && isYears(numbers, { columns, body })) return true;
  return isPositions(first, columns, body);
}

/** 0, 1, 2 or 1, 2, 3 above texts, or above anything where an index without a name stands beside. */
function isPositions(
  first: readonly string[],
  columns: readonly number[],
  body: readonly (readonly string[])[],
): boolean {
  const start = Number(first[columns[0] ?? 0]);
  // An empty name between two positions takes the place of one.
  const isRow = columns.every(
    (column) => Number(first[column]) - start === column - (columns[0] ?? 0),
  );
  if (!isRow || start > 1) return false;
  if (first[0] === '' && columns.length === first.length - 1) return true;
  const texts = columns.filter((column) => body.some((row) => isText(row[column] ?? '')));
  // A position for every column is no accident where one of them is above texts alone.
  const isWhole = columns.length === first.length && columns.length >= positionsMin;
  const isAbove = (column: number): boolean => body.every((row) => isText(row[column] ?? 'x'));
  return texts.length === columns.length || (isWhole && texts.some(isAbove));
}

/** One after the other, each perhaps in several columns, above values that are no years. */
function isYears(
  numbers: readonly number[],
  { columns, body }: { columns: readonly number[]; body: readonly (readonly string[])[] },
): boolean {
  const isRow = numbers.every((value, index) => {
    const previous = numbers[index - 1] ?? value;
    const gap = (columns[index] ?? 0) - (columns[index - 1] ?? columns[index] ?? 0);
    return value >= previous && value - previous <= Math.max(1, gap);
  });
  const below = body.flatMap((row) => columns.map((column) => Number(row[column])));
  const years = below.filter((value) => value >= yearMin && value <= yearMax);
  return isRow && years.length <= below.length / 2;
}

function isText(cell: string): boolean {
  return cell !== '' && shapeOf(cell) !== 'number';
}

const typed = new Set<Shape>(['number', 'date', 'code']);

/** Positive: this cell looks like a name; negative: like one more value. */
function vote(cell: string, below: readonly string[]): number {
  const shape = shapeOf(cell);
  if (isNull(cell)) return -2;
  const filled = below.filter((value) => value.trim() !== '' && !isNull(value));
  if (filled.length === 0 || shape === 'empty') return 0;
  const shapes = filled.map((value) => shapeOf(value.trim()));
  const isTyped = shapes.filter((other) => typed.has(other)).length > filled.length * 0.7;
  // Dates above figures are names, as years are, and so is what only looks like an id: `c10000`.
  const isFigures = shapes.every((other) => other === 'number');
  if (isFigures && (shape === 'date' || shape === 'code')) return 2;
  if (typed.has(shape)) return isTyped ? -2 : -1;
  if (isTyped) return 2;
  if (filled.includes(cell)) return -1;
  return lengthVote(cell, filled) + characterVote(cell, filled) + noveltyVote(filled);
}

function isSentence(cell: string): boolean {
  return /^\S+ \S+ \S+ .*[.!]$/.test(cell.trim());
}

/** How databases write that there is no value. */
function isNull(cell: string): boolean {
  return cell === '\\N' || cell === 'NULL' || cell === 'null' || cell === 'NaN';
}

/** Fewer values may be alike by accident. */
const alikeValuesMin = 5;
const markedValuesMin = 3;

/** Values of one length (codes, states) make a cell of another length a name. */
function lengthVote(cell: string, filled: readonly string[]): number {
  const values = new Set(filled.map((value) => value.trim()));
  const lengths = new Set(Array.from(values, ({ length }) => length));
  if (filled.length < alikeValuesMin || lengths.size !== 1) return 0;
  // A few words that come again may have one length by accident.
  const isWords = Array.from(values).every((value) => /^\p{Lu}?\p{Ll}{3,}$/u.test(value));
  if (isWords && values.size < alikeValuesMin) return 0;
  return lengths.has(cell.length) ? -0.5 : 1;
}

const marks = [/\d/, /,/, /@/, /\//, /:/];
/** Longer than three times every value: a question or an explanation, not one more value. */
const outsizedTimes = 3;

/** A mark that all values have (a digit, the comma in `Smith, Ann`) is missing from names only. */
function characterVote(cell: string, filled: readonly string[]): number {
  if (filled.length < markedValuesMin) return 0;
  const longest = Math.max(...filled.map((value) => value.length));
  if (cell.length > outsizedTimes * longest) return 1;
  const common = marks.filter((mark) => filled.every((value) => mark.test(value)));
  if (common.length === 0) return 0;
  return common.every((mark) => mark.test(cell)) ? -1 : 1;
}

/**
 * A cell that never comes again, above values of which nearly all do, is none of them. The share of
 * values seen only once is the chance that one more value is new (Good and Turing).
 */
function noveltyVote(filled: readonly string[]): number {
  if (filled.length < alikeValuesMin) return 0;
  const counts = new Map<string, number>();
  for (const value of filled) counts.set(value, (counts.get(value) ?? 0) + 1);
  const once = [...counts.values()].filter((count) => count === 1).length;
  return once <= filled.length * 0.1 ? 1 : 0;
}
