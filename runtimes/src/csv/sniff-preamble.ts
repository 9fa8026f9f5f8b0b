/**
 * Where the table begins: how many records above it are titles, notes, names with values, or lines
 * that a comment sign begins. A person sees it at once, because the table is what goes on.
 *
 * A line is only called preamble if the table below it goes on in its own width. Several rows of
 * one width that make a table of their own are never skipped: better a title too many among the
 * records than a record lost.
 */

import { shapeOf } from './cell-shape.ts';
import { sniffHeader } from './sniff-header.ts';
import { filledOf, holdsTable, isFilled, labelsEnd } from './sniff-labels.ts';
import type { SampleRow } from './sniff-rows.ts';

/** The share of the rows below a preamble that must go on in the table's width. */
const goesOnMin = 0.6;
/** A row with at most this share of the columns filled is rather a title than a row. */
const sparseShare = 0.4;
/** If more rows of the table are as sparse, being sparse says nothing. */
const sparseRowsMax = 0.1;
/** The share of rows whose first cells are of a kind that the lines above must not have. */
const alikeMin = 0.8;
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
  const labels = labelsEnd(rows, width);
  if (labels > 0) return { start: labels, mainStart: 0 };
  const table = new TableRows(rows, width);
  const first = rows.findIndex((row) => table.has(row));
  if (first < 0) return atOnce;
  const start = widerHeader(rows, betterHeader(rows, { first, table, width }), width);
  if (start === 0) return atOnce;
  const below = rows.slice(start);
  const going = below.filter((row) => table.isNear(row)).length;
  if (going < below.length * goesOnMin || (going < 2 && width < wideMin)) return atOnce;
  if (isNarrow(rows, { start, width }) || isAlike(rows, start)) return atOnce;
  const isBelowTable = holdsTable(rows.slice(0, start));
  return isBelowTable ? { start: 0, mainStart: start } : { start, mainStart: 0 };
}

/** Rows whose last cells are left out are narrower than their header, which some of them reach. */
function widerHeader(rows: readonly SampleRow[], start: number, width: number): number {
  const widest = rows.slice(start).reduce((most, { cells }) => Math.max(most, cells.length), 0);
  const wider = rows
    .slice(0, start)
    .findIndex(({ cells }) => filledOf(cells) > width && cells.length <= widest);
  return wider < 0 ? start : wider;
}

/** In two columns without names, what stands above fewer records than lines is rather one column. */
function isNarrow(
  rows: readonly SampleRow[],
  { start, width }: { start: number; width: number },
): boolean {
  const above = rows.slice(0, start).filter(({ cells }) => filledOf(cells) > 0).length;
  const below = rows.slice(start).map(({ cells }) => cells);
  return width < nearMin && below.length < 2 * above && sniffHeader(below, width).votes <= 0;
}

/** Whether a line above begins like most rows: with a number, a date, an address. */
function isAlike(rows: readonly SampleRow[], start: number): boolean {
  const firstShape = ({ cells }: SampleRow): string => shapeOf(cells[0]?.trim() ?? '');
  const below = rows.slice(start);
  const shapes = new Set(rows.slice(0, start).map(firstShape));
  return (['number', 'date', 'code'] as const).some(
    (shape) =>
      shapes.has(shape) &&
      below.filter((row) => firstShape(row) === shape).length > below.length * alikeMin,
  );
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
    // Titles that are as wide as the table come before its first row.
    const filled = whole.findIndex(({ cells }) => filledOf(cells) >= least);
    const sparse = whole.slice(filled).filter(({ cells }) => filledOf(cells) < least).length;
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
