/**
 * Where the table begins: how many records above it are titles, notes, names with values, or lines
 * that a comment sign begins. A person sees it at once, because the table is what goes on.
 *
 * A line is only called preamble if the table below it goes on in its own width. Several rows of
 * one width that make a table of their own are never skipped: better a title too many among the
 * records than a record lost.
 */

import { shapeOf, type Shape } from './cell-shape.ts';
import { sniffHeader } from './sniff-header.ts';
import type { SampleRow } from './sniff-rows.ts';

/** The share of the rows below a preamble that must go on in the table's width. */
const goesOnMin = 0.6;
/** A row with at most this share of the columns filled is rather a title than a row. */
const sparseShare = 0.4;
/** If more rows of the table are as sparse, being sparse says nothing. */
const sparseRowsMax = 0.1;
/** Fewer rows are no table of their own, whatever they look like. */
const tableRowsMin = 4;
const wideMin = 4;
const nearMin = 3;
/** How far below a first candidate a better header is looked for. */
const headerDistanceMax = 4;
const commentSign = /^\s*(#|%|\/\/|--)/;

export interface TableStart {
  /** The index of the first row of the table: its header, or its first record. */
  readonly start: number;
  /** Where the table begins that most rows belong to, if a smaller one stands above it; else 0. */
  readonly mainStart: number;
}

const atOnce: TableStart = { start: 0, mainStart: 0 };

export function tableStart(rows: readonly SampleRow[], width: number): TableStart {
  const end = commentsEnd(rows);
  if (end === 0) return width < 2 ? atOnce : uncommentedStart(rows, width);
  const rest = rows.slice(end);
  // Many comments have a width of their own.
  const restWidth = usualWidth(rest);
  const last = rows[end - 1]?.cells ?? [];
  const isHeader = last.length === restWidth && (restWidth > 1 || end === 1);
  if (isHeader) return { start: end - 1, mainStart: 0 };
  const { start, mainStart } = restWidth < 2 ? atOnce : uncommentedStart(rest, restWidth);
  return { start: end + start, mainStart: mainStart === 0 ? 0 : end + mainStart };
}

function usualWidth(rows: readonly SampleRow[]): number {
  const counts = new Map<number, number>();
  for (const { cells } of rows) counts.set(cells.length, (counts.get(cells.length) ?? 0) + 1);
  const most = Math.max(...counts.values());
  return [...counts].find(([, count]) => count === most)?.[0] ?? 0;
}

/** How many rows at the top begin with a comment sign, if no later row does. */
function commentsEnd(rows: readonly SampleRow[]): number {
  const sign = signOf(rows[0]);
  if (sign === undefined) return 0;
  const end = rows.findIndex((row) => signOf(row) !== sign);
  return end < 0 || rows.slice(end).some((row) => signOf(row) === sign) ? 0 : end;
}

function signOf(row: SampleRow | undefined): string | undefined {
  return commentSign.exec(row?.cells[0] ?? '')?.[1];
}

function uncommentedStart(rows: readonly SampleRow[], width: number): TableStart {
  const table = new TableRows(rows, width);
  const first = rows.findIndex((row) => table.has(row));
  if (first < 0) return atOnce;
  const start = betterHeader(rows, { first, table, width });
  if (start === 0) return atOnce;
  const below = rows.slice(start);
  const going = below.filter((row) => table.isNear(row)).length;
  if (going < below.length * goesOnMin || (going < 2 && width < wideMin)) return atOnce;
  const isBelowTable = holdsTable(rows.slice(0, start));
  return isBelowTable ? { start: 0, mainStart: start } : { start, mainStart: 0 };
}

/** What a row of the table is: as wide as the others, and filled. */
class TableRows {
  readonly #width: number;
  readonly #filledMin: number;

  constructor(rows: readonly SampleRow[], width: number) {
    this.#width = width;
    const whole = rows.filter(({ cells }) => cells.length === width);
    const used = Array.from({ length: width }, (_, column) => column).filter(
      (column) => whole.filter(({ cells }) => isFilled(cells[column])).length > whole.length * 0.1,
    ).length;
    const least = Math.floor(used * sparseShare) + 1;
    const sparse = whole.filter(({ cells }) => filledOf(cells) < least).length;
    this.#filledMin = width > 2 && sparse <= Math.max(3, whole.length * sparseRowsMax) ? least : 0;
  }

  has(row: SampleRow): boolean {
    return this.isNear(row) && filledOf(row.cells) >= this.#filledMin;
  }

  /** In all but narrow tables one field more or less is an accident. */
  isNear({ cells }: SampleRow): boolean {
    const distance = Math.abs(cells.length - this.#width);
    return cells.length > 1 && distance <= (this.#width < nearMin ? 0 : 1);
  }
}

function isFilled(cell: string | undefined): boolean {
  return cell !== undefined && cell.trim() !== '';
}

function filledOf(cells: readonly string[]): number {
  return cells.filter(isFilled).length;
}

/**
 * A title may have as many commas as the table, or nearly: if no row of the table comes between, a
 * better header that comes soon is the one. Rows must never be lost to this, so the two are compared.
 */
function betterHeader(
  rows: readonly SampleRow[],
  { first, table, width }: { first: number; table: TableRows; width: number },
): number {
  const soon = rows.slice(first + 1, first + 1 + headerDistanceMax);
  const next = soon.findIndex(({ cells }) => cells.length === width);
  if (next < 0) return first;
  // What is no row of the table cannot stand between its header and its records.
  const isBroken = soon.slice(0, next).some((row) => !table.isNear(row));
  if (!isBroken && rows[first]?.cells.length === width) return first;
  const at = first + 1 + next;
  const below = rows.slice(at).map(({ cells }) => cells);
  const title = rows[first]?.cells ?? [];
  const isOther = below[0]?.join() !== title.join();
  const votes = sniffHeader(below, width).votes;
  const titleVotes = sniffHeader([title, ...below.slice(1)], width).votes;
  const isBetter = isBroken ? votes >= titleVotes : votes > titleVotes;
  return isOther && votes > 0 && isBetter ? at : first;
}

/** Whether some rows above the table are a table too: several of one width, alike in each column. */
function holdsTable(rows: readonly SampleRow[]): boolean {
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
