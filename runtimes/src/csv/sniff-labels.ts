/**
 * Names with values above a table (`Account:;1234`), as banks and instruments write them, and how they
 * differ from rows of the table and from another table.
 */

import { shapeOf, type Shape } from './cell-shape.ts';
import { sniffHeader } from './sniff-header.ts';
import type { SampleRow } from './sniff-rows.ts';

/** Fewer rows are no table of their own, whatever they look like. */
const tableRowsMin = 4;
/** Fewer lines of names and values directly above a table could be more rows of its header. */
const labelsMin = 3;
const typedRowsMin = 5;
/** The share of rows below that must be alike. */
const alikeMin = 0.9;

export function isFilled(cell: string | undefined): boolean {
  return cell !== undefined && cell.trim() !== '';
}

export function filledOf(cells: readonly string[]): number {
  return cells.filter(isFilled).length;
}

/** The index of the first row of the table, its header, below names with values; 0 if there are none. */
export function labelsEnd(rows: readonly SampleRow[], width: number): number {
  const gaps = rows.flatMap(({ isAfterBlank }, row) => (isAfterBlank && row > 0 ? [row] : []));
  return gaps.findLast((row) => isBelowLabels(rows, row, width)) ?? typedTableStart(rows, width);
}

/** Whether an empty line, and all that is below it, says that the table begins here. */
function isBelowLabels(rows: readonly SampleRow[], start: number, width: number): boolean {
  const above = rows.slice(0, start).map(({ cells }) => cells);
  const below = rows.slice(start).map(({ cells }) => cells);
  const whole = below.filter(({ length }) => length === width).length;
  if (below.length < Math.max(3, above.length) || whole < below.length * alikeMin) return false;
  const { votes } = sniffHeader(below, width);
  if (votes < 1) return false;
  const isOther = above.every(({ length }) => length !== width);
  if (isOther) return !isOtherTable(rows.slice(0, start));
  const [title = []] = above;
  const isHeaderAgain = title.join() === below[0]?.join();
  if (above.length > 1 || isHeaderAgain) return false;
  return sniffHeader([title, ...below.slice(1)], width).votes <= votes;
}

function isOtherTable(above: readonly SampleRow[]): boolean {
  return holdsTable(above) && !isLabelled(above.map(({ cells }) => cells));
}

/** Descriptions of several words, each other than the rest, with one value. */
function isLabelled(above: readonly (readonly string[])[]): boolean {
  const names = above.map((cells) => cells[0]?.trim() ?? '');
  const several = names.filter((name) => /\S\s+\S/.test(name)).length;
  const isSingle = above.every((cells) => filledOf(cells.slice(1)) <= 1);
  return isSingle && several >= names.length / 2 && new Set(names).size === names.length;
}

/**
 * Where figures begin below lines of as many fields: every row below begins with a number or a date,
 * the row above them names the columns, and none above that begins so or is like another.
 */
function typedTableStart(rows: readonly SampleRow[], width: number): number {
  const isTyped = ({ cells }: SampleRow): boolean =>
    cells.length === width && isFigure(cells[0]?.trim() ?? '');
  const values = rows.findLastIndex((row) => !isTyped(row)) + 1;
  const start = values - 1;
  const header = rows[start]?.cells ?? [];
  const above = rows.slice(0, Math.max(0, start)).map(({ cells }) => cells);
  const isHeader = header.length === width && header.every((cell) => isWord(shapeOf(cell.trim())));
  if (!isHeader || above.length < labelsMin) return 0;
  if (rows.length - values < Math.max(typedRowsMin, above.length)) return 0;
  const names = above.map((cells) => cells[0]?.trim() ?? '');
  const areLabels = above.every((cells) => filledOf(cells) <= 2) && !names.some(isFigure);
  if (!areLabels || new Set(names).size < names.length) return 0;
  return isOtherTable(rows.slice(0, start)) ? 0 : start;
}

function isFigure(cell: string): boolean {
  const shape = shapeOf(cell);
  return shape === 'number' || shape === 'date';
}

/** Whether some rows above the table are a table too: several of one width, alike in each column. */
export function holdsTable(rows: readonly SampleRow[]): boolean {
  const blocks = rows.map(({ cells }) => cells.slice(0, cells.findLastIndex(isFilled) + 1));
  for (let from = 0; from < blocks.length;) {
    const width = blocks[from]?.length ?? 0;
    let to = from + 1;
    while (blocks[to]?.length === width) to += 1;
    const block = blocks.slice(from, to);
    if (width > 1 && block.length >= tableRowsMin && !holdsNames(block)) return true;
    from = to;
  }
  return false;
}

/** Names with their values (`Created;2024-01-31`): every name differs, and so do the values' kinds. */
function holdsNames(block: readonly (readonly string[])[]): boolean {
  const names = block.map((cells) => cells[0]?.trim() ?? '');
  if (block.some((cells) => filledOf(cells.slice(1)) > 1)) return false;
  if (names.filter((name) => name.endsWith(':')).length > names.length / 2) return true;
  const isNamed = names.every((name) => name === '' || isWord(shapeOf(name)));
  const kinds = new Set(block.slice(1).map((cells) => kindOf(cells.slice(1).find(isFilled) ?? '')));
  return isNamed && kinds.size > 1;
}

function isWord(shape: Shape): boolean {
  return shape === 'word' || shape === 'text';
}

function kindOf(value: string): string {
  const shape = shapeOf(value.trim());
  return isWord(shape) ? 'text' : shape;
}
