/**
 * Tables with one pollution each, of the kinds that surveys of public files name: what is around the
 * table, rows of other widths, misused quotes, other structural characters, odd names. Each comes
 * with the rows that a careful person reads: without the titles above the table, with the notes below.
 *
 * A kind is a function from a table to its lines and rows; adding one is adding an entry.
 */

import { standardDialect, type Dialect } from '../dialect.ts';
import { encodeRecord, type LineEnd } from '../encode.ts';
import { Random, tableCase } from './tables.ts';

export interface Polluted {
  readonly bytes: Buffer;
  readonly rows: readonly (readonly string[])[];
  readonly delimiter: string;
}

type Row = readonly string[];

class Table {
  readonly random: Random;
  readonly rows: readonly Row[];
  readonly dialect: Dialect;
  readonly lineEnd: LineEnd;
  readonly width: number;

  constructor(seed: number, changes: Partial<Dialect> = {}) {
    this.random = new Random(seed);
    const found = suitableCase(seed);
    const lineEnds: readonly LineEnd[] = ['\n', '\r\n', '\r'];
    this.rows = found.rows;
    this.dialect = { ...standardDialect, delimiter: found.dialect.delimiter, ...changes };
    this.lineEnd = this.random.pick(lineEnds);
    this.width = this.rows[0]?.length ?? 0;
  }

  get delimiter(): string {
    return String.fromCharCode(this.dialect.delimiter);
  }

  line(row: Row, lineEnd: LineEnd = this.lineEnd): string {
    return encodeRecord(row, this.dialect, lineEnd).toString();
  }

  lines(rows: readonly Row[] = this.rows): string[] {
    return rows.map((row) => this.line(row));
  }

  /** The number of a data row. */
  place(): number {
    return 1 + this.random.below(this.rows.length - 1);
  }

  /** Every line as it is, but one data row written by hand. */
  withRow(at: number, line: string, read: Row): Written {
    const lines = this.lines();
    lines[at] = line + this.lineEnd;
    return { lines, rows: this.rows.map((row, index) => (index === at ? read : row)) };
  }
}

interface Written {
  readonly lines: readonly string[];
  readonly rows: readonly Row[];
}

/** A table of some columns with a header, as an export tool writes it. */
function suitableCase(seed: number): ReturnType<typeof tableCase> {
  for (let number = seed * 31; ; number += 1) {
    const found = tableCase(number);
    const width = found.rows[0]?.length ?? 0;
    if (found.dialect.header && width >= 3 && found.rows.length >= 4) return found;
  }
}

function plain(rows: readonly Row[], table: Table): Written {
  return { rows, lines: table.lines(rows) };
}

/** One cell of one row, written by hand between cells that are written as usual. */
function withCell(table: Table, write: (value: string) => readonly [string, string]): Written {
  const at = table.place();
  const row = table.rows[at] ?? [];
  const isPlain = (value: string): boolean => /^[\p{L}\p{N}.]+$/u.test(value);
  const column = row.findIndex(isPlain);
  if (column < 0) return plain(table.rows, table);
  const [written, read] = write(row[column] ?? '');
  const cells = row.map((value, index) =>
    index === column ? written : value === '' ? '' : table.line([value]).trimEnd(),
  );
  const values = row.map((value, index) => (index === column ? read : value));
  return table.withRow(at, cells.join(table.delimiter), values);
}

function below(table: Table, rows: readonly Row[], gap: string): Written {
  return { rows: [...table.rows, ...rows], lines: [...table.lines(), gap, ...table.lines(rows)] };
}

function above(table: Table, rows: readonly Row[], gap: string): Written {
  return { rows: table.rows, lines: [...table.lines(rows), gap, ...table.lines()] };
}

const small = [
  ['code', 'label'],
  ['A1', 'north'],
  ['B2', 'south'],
];
const title = [['Sales report'], ['Produced by finance']];

type Pollute = (table: Table) => Written;

const kinds: Record<string, Pollute> = {
  'a title and an empty line above': (table) => above(table, title, table.lineEnd),
  'a title directly above': (table) => above(table, title.slice(1), ''),
  'a note below': (table) => below(table, [['Source: own figures']], table.lineEnd),
  'another table below': (table) => below(table, small, table.lineEnd),
  'the same header again': (table) => below(table, table.rows.slice(0, 2), ''),
  'a total below': (table) =>
    below(table, [['Total', ...Array.from({ length: table.width - 1 }, () => '')]], ''),
  'empty lines between rows': (table) => ({
    rows: table.rows,
    lines: table.lines().map((line, row) => (row % 3 === 1 ? line + table.lineEnd : line)),
  }),
  'a header and one row': (table) => plain(table.rows.slice(0, 2), table),
  'two header rows': (table) => {
    const units = table.rows[0]?.map((_, column) => (column % 2 === 0 ? 'unit' : '')) ?? [];
    return plain([...table.rows.slice(0, 1), units, ...table.rows.slice(1)], table);
  },
  'no end of the last line': (table) => {
    const lines = table.lines();
    return { rows: table.rows, lines: [...lines.slice(0, -1), lines.at(-1)?.trimEnd() ?? ''] };
  },
  'a row with another line end': (table) => {
    const at = table.place();
    const other = table.lineEnd === '\n' ? '\r\n' : '\n';
    const lines = table.rows.map((row, index) =>
      table.line(row, index === at ? other : table.lineEnd),
    );
    return { rows: table.rows, lines };
  },
  'a row with a field less': (table) => {
    const at = table.place();
    const row = table.rows[at]?.slice(0, -1) ?? [];
    return table.withRow(at, table.line(row).trimEnd(), row);
  },
  'a row with a field more': (table) => {
    const at = table.place();
    const row = [...(table.rows[at] ?? []), 'more'];
    return table.withRow(at, table.line(row).trimEnd(), row);
  },
  'a delimiter at the end of each row': (table) =>
    plain(
      table.rows.map((row) => [...row, '']),
      table,
    ),
  'an extra quote at the start of a cell': (table) =>
    withCell(table, (value) => [`"${value}`, `"${value}`]),
  'an extra quote within a cell': (table) =>
    withCell(table, (value) => [`${value}"x`, `${value}"x`]),
  'an extra quote at the end of a cell': (table) =>
    withCell(table, (value) => [`${value}"`, `${value}"`]),
  'quotes that nothing escapes': (table) =>
    withCell(table, (value) => [`"${value} "x" y"`, `${value} "x" y`]),
  'a quoted cell with a quote too many': (table) =>
    withCell(table, (value) => [`"${value}""`, `${value}"`]),
  'a very long cell': (table) =>
    withCell(table, (value) => [value + 'text '.repeat(900), value + 'text '.repeat(900)]),
  'the same name twice': (table) => {
    const [names = [], ...body] = table.rows;
    return plain([[names[0] ?? '', names[0] ?? '', ...names.slice(2)], ...body], table);
  },
  'names that are empty': (table) => {
    const [names = [], ...body] = table.rows;
    return plain([names.map((name, column) => (column % 3 === 1 ? '' : name)), ...body], table);
  },
};

const dialects: Record<string, Partial<Dialect>> = {
  'spaces that delimit': { delimiter: 0x20 },
  'spaces after commas': { delimiter: 0x2c, padded: true },
  'single quotes': { quote: 0x27 },
  'backslash escapes': { escape: 'Backslash' },
};

export const pollutions: readonly string[] = [...Object.keys(kinds), ...Object.keys(dialects)];

export function polluted(kind: string, seed: number): Polluted {
  const table = new Table(seed, dialects[kind]);
  const pollute: Pollute = kinds[kind] ?? (() => plain(table.rows, table));
  const { rows, lines } = pollute(table);
  return { bytes: Buffer.from(lines.join('')), rows, delimiter: table.delimiter };
}
