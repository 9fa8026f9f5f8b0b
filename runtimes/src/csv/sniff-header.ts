/**
 * Whether the first record names the columns. Votes of the columns: a name differs in shape from
 * the values below it; a value does not.
 */

import { shapeOf, type Shape } from './cell-shape.ts';

export interface HeaderGuess {
  readonly isHeader: boolean;
  readonly reason: string;
}

export function sniffHeader(rows: readonly (readonly string[])[], width: number): HeaderGuess {
  const [first, ...others] = rows;
  if (first === undefined) return { isHeader: true, reason: 'there are no records' };
  if (first.length === 1 && width > 1) {
    return { isHeader: false, reason: 'the first record has one field, the others have more' };
  }
  const body = withoutRepeats(first, others);
  const shapes = first.map((cell) => shapeOf(cell.trim()));
  const values = shapes.filter((shape) => shape === 'number' || shape === 'date').length;
  if (body.length === 0) {
    const isHeader = values === 0 && shapes.some((shape) => shape !== 'empty');
    return { isHeader, reason: `the only record ${isHeader ? 'holds no' : 'holds'} values` };
  }
  const votes = countVotes(first, body);
  if (votes !== 0) {
    const reason = votes > 0 ? 'the first record differs from' : 'the first record is like';
    return { isHeader: votes > 0, reason: `${reason} those below it` };
  }
  const names = first.filter((cell) => cell !== '');
  const isHeader = values === 0 && new Set(names).size === names.length && names.length > 0;
  return { isHeader, reason: 'nothing but its uniqueness tells the first record from the others' };
}

/** A header that comes again is no value of its column; a row that often does is no header. */
function withoutRepeats(
  first: readonly string[],
  others: readonly (readonly string[])[],
): readonly (readonly string[])[] {
  const body = others.filter((row) => !row.every((cell, column) => cell === first[column]));
  const repeats = others.length - body.length;
  return repeats > Math.max(1, others.length * 0.2) ? others : body;
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

/** Years side by side, or 0, 1, 2 above values that are no numbers, are names although they count. */
function isCountedUp(first: readonly string[], body: readonly (readonly string[])[]): boolean {
  const columns = first.flatMap((cell, column) => (/^\d{1,4}$/.test(cell.trim()) ? [column] : []));
  const numbers = columns.map((column) => Number(first[column]));
  const isRow = numbers.every(
    (value, index) => index === 0 || value - (numbers[index - 1] ?? 0) === 1,
  );
  if (numbers.length < 2 || !isRow) return false;
  const [start, last] = [numbers[0] ?? 0, numbers.at(-1) ?? 0];
  if (start >= yearMin && last <= yearMax) return true;
  return start <= 1 && columns.every((column) => body.some((row) => isText(row[column] ?? '')));
}

function isText(cell: string): boolean {
  return cell !== '' && shapeOf(cell) !== 'number';
}

const typed = new Set<Shape>(['number', 'date', 'code']);

/** Positive: this cell looks like a name; negative: like one more value. */
function vote(cell: string, below: readonly string[]): number {
  const shape = shapeOf(cell);
  const filled = below.filter((value) => value.trim() !== '');
  if (filled.length === 0 || shape === 'empty') return 0;
  const shapes = filled.map((value) => shapeOf(value.trim()));
  const isTyped = shapes.filter((other) => typed.has(other)).length > filled.length * 0.7;
  if (typed.has(shape)) return isTyped ? -2 : -1;
  if (isTyped) return 2;
  if (filled.includes(cell)) return -1;
  return lengthVote(cell, filled);
}

/** Fewer values may be of one length by accident. */
const sameLengthValuesMin = 5;

/** Values of one length (codes, states) make a cell of another length a name. */
function lengthVote(cell: string, filled: readonly string[]): number {
  if (filled.length < sameLengthValuesMin) return 0;
  const lengths = new Set(filled.map((value) => value.trim().length));
  if (lengths.size !== 1) return 0;
  return lengths.has(cell.length) ? -0.5 : 1;
}
