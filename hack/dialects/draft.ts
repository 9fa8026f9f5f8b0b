/**
 * A file in the making: lines with what a careful person reads in each of them, and how they are
 * put down as bytes. Exports make drafts, pollutions change them, `fileOf` writes them.
 *
 * What is above the header is preamble and no record; everything below it is a record, totals and
 * notes included, because an import may not drop them silently.
 */
import type { Random } from '@millrace/runtimes/csv/test/tables';
import { encodeWindows1252 } from '@millrace/runtimes/csv/windows-1252';

export type Row = readonly string[];
export type Role = 'preamble' | 'header' | 'record' | 'blank';

export interface Line {
  readonly text: string;
  readonly role: Role;
  /** What is read on it; empty for preamble and blank lines. */
  readonly row: Row;
  /** Another line end than the file's. */
  readonly lineEnd?: string;
}

export type FileEncoding = 'UTF-8' | 'Windows-1252' | 'UTF-16LE' | 'UTF-16BE';

export interface Draft {
  readonly random: Random;
  readonly lines: readonly Line[];
  readonly delimiter: string;
  readonly quote: string;
  readonly escape: 'Doubled' | 'Backslash' | 'None';
  /** Which fields are quoted that need not be. */
  readonly quoting: 'needed' | 'text' | 'all';
  readonly lineEnd: string;
  readonly encoding: FileEncoding;
  readonly hasMark: boolean;
  readonly endsWithLineEnd: boolean;
}

export interface Truth {
  readonly header: Row | null;
  readonly records: readonly Row[];
  readonly delimiter: string;
  /** Lines above the table; 0 if only empty ones are. */
  readonly preambleLines: number;
}

export interface DialectFile {
  readonly bytes: Buffer;
  readonly truth: Truth;
}

export interface Sheet {
  readonly header: Row | null;
  readonly rows: readonly Row[];
}

export type Style = Partial<Omit<Draft, 'random' | 'lines'>>;

export function draftOf(random: Random, { header, rows }: Sheet, style: Style = {}): Draft {
  const empty: Draft = {
    random,
    lines: [],
    delimiter: ',',
    quote: '"',
    escape: 'Doubled',
    quoting: 'needed',
    lineEnd: '\n',
    encoding: 'UTF-8',
    hasMark: false,
    endsWithLineEnd: true,
    ...style,
  };
  const head = header === null ? [] : [lineOf(empty, header, 'header')];
  return { ...empty, lines: [...head, ...rows.map((row) => lineOf(empty, row))] };
}

/** The same rows in another dialect; what was written by hand is written anew. */
export function restyled(draft: Draft, style: Style): Draft {
  const changed = { ...draft, ...style };
  const lines = draft.lines.map((line) =>
    line.row.length === 0 ? line : { ...lineOf(changed, line.row, line.role) },
  );
  return { ...changed, lines };
}

export function lineOf(draft: Draft, row: Row, role: Role = 'record'): Line {
  return { text: textOf(draft, row), role, row };
}

/** Lines above the table: written as they are, and read as nothing. */
export function above(texts: readonly string[]): Line[] {
  return texts.map((text) => ({ text, role: 'preamble', row: [] }));
}

export function textOf(draft: Draft, row: Row): string {
  return row.map((value) => cellOf(draft, value, row.length)).join(draft.delimiter);
}

export function cellOf(draft: Draft, value: string, width = 2): string {
  const { quote, escape, delimiter, quoting } = draft;
  if (quote === '') return value;
  const special = [
    delimiter.trim() || delimiter,
    quote,
    '\n',
    '\r',
    ...(escape === 'Backslash' ? ['\\'] : []),
  ];
  const isNeeded = special.some((part) => value.includes(part)) || (width === 1 && value === '');
  const isText = quoting === 'text' && !/^[-\d.,/: ]*$/.test(value);
  if (!isNeeded && quoting !== 'all' && !isText) return value;
  const escaped =
    escape === 'Backslash'
      ? value.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`)
      : value.replaceAll(quote, quote + quote);
  return quote + escaped + quote;
}

export function fileOf(draft: Draft): DialectFile {
  const { lines, lineEnd, endsWithLineEnd } = draft;
  const parts = lines.map((line, index) =>
    index === lines.length - 1 && !endsWithLineEnd
      ? line.text
      : line.text + (line.lineEnd ?? lineEnd),
  );
  const header = lines.find(({ role }) => role === 'header')?.row ?? null;
  const records = lines.filter(({ role }) => role === 'record').map(({ row }) => row);
  return {
    bytes: encoded(parts.join(''), draft),
    truth: { header, records, delimiter: draft.delimiter, preambleLines: preambleOf(lines) },
  };
}

/** The lines from the first of the preamble's to its last, with the empty ones around them. */
function preambleOf(lines: readonly Line[]): number {
  const hints = lines[0]?.text.startsWith('sep=') === true ? 1 : 0;
  const last = lines.findLastIndex(({ role }) => role === 'preamble');
  if (last < 0) return 0;
  const start = lines.findIndex(({ role }, at) => at > last && role !== 'blank');
  const above = start < 0 ? lines : lines.slice(0, start);
  return above.reduce((total, { text }) => total + text.split('\n').length, -hints);
}

function encoded(text: string, { encoding, hasMark }: Draft): Buffer {
  const marked = hasMark ? `\ufeff${text}` : text;
  if (encoding === 'UTF-16LE') return Buffer.from(marked, 'utf16le');
  if (encoding === 'UTF-16BE') return Buffer.from(marked, 'utf16le').swap16();
  if (encoding === 'Windows-1252') return encodeWindows1252(text) ?? Buffer.from(text);
  return Buffer.from(marked);
}
