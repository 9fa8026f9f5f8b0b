/**
 * The header record and where the data begins. Data chunks start at `dataStart`, so that no worker
 * ever sees the byte order mark or the header.
 */

import type { Dialect } from './dialect.ts';
import { fieldText, textsOf, type Fields } from './field-text.ts';
import { parseChunk } from './parser.ts';
import { afterLines } from './line-end.ts';
import { separatorHint } from './separator-hint.ts';
import { decodeFlag, RecordReader } from './record-reader.ts';
import { splitLine } from './split-line.ts';
import { unitsOf } from './units.ts';

export interface Header {
  /** The names as they stand in the file, duplicates and empty ones included; null without one. */
  readonly names: readonly string[] | null;
  /** The first byte after the mark, the hint, the preamble, and the header with what is before it. */
  readonly dataStart: number;
  /** Physical lines before `dataStart`, and those of them that are the preamble. */
  readonly lines: number;
  readonly preamble: number;
  /** Comments (the hint is one) and blank lines beside the preamble. */
  readonly comments: number;
  readonly blank: number;
}

/** `head` is the beginning of the file, or all of it; a header that is longer is cut. */
export function readHeader(head: Buffer, dialect: Dialect): Header {
  const hinted = separatorHint(head.subarray(dialect.bomBytes), dialect.encoding)?.bytes ?? 0;
  const skipped = hinted === 0 ? 0 : 1;
  const start = dialect.bomBytes + hinted;
  const preamble = readPreamble(head.subarray(start), dialect);
  const before = {
    names: null,
    dataStart: start + preamble.bytes,
    lines: skipped + preamble.lines,
    preamble: preamble.lines,
    comments: skipped,
    blank: 0,
  };
  return dialect.header ? namedHeader(head, dialect, before) : before;
}

/** Lines as they stand: what comes before a table follows no rules, so quotes mean nothing there. */
function readPreamble(bytes: Buffer, dialect: Dialect): { bytes: number; lines: number } {
  const wanted = dialect.preambleLines ?? 0;
  if (wanted === 0) return { bytes: 0, lines: 0 };
  const units = unitsOf(dialect);
  const { at, lines } = afterLines(units.of(bytes), wanted);
  return { bytes: Math.min(at * units.size, bytes.length), lines };
}

function namedHeader(head: Buffer, dialect: Dialect, before: Header): Header {
  const units = unitsOf(dialect);
  const rest = head.subarray(before.dataStart);
  const view = units.of(rest);
  const reader = new RecordReader(units.marks, { maxRecordUnits: view.length + 1 });
  reader.bind(view, view.length, true);
  let start = 0;
  for (; start < view.length; start = reader.next) {
    const outcome = reader.read(start);
    if (outcome !== 'blank' && outcome !== 'comment') break;
  }
  const isFound = start < view.length;
  const bytes = isFound ? Math.min(reader.next * units.size, rest.length) : rest.length;
  const part = rest.subarray(0, bytes);
  const limits = { maxRecordBytes: head.length + units.size };
  const chunk = { bytes: part, offset: before.dataStart, dialect, ...limits };
  let names: string[] | null = null;
  const counts = parseChunk(chunk, {
    record: (record) => (names ??= textsOf(record)),
    bad: (bad) => (names ??= splitLine(part.subarray(bad.start, bad.end), dialect)),
  });
  return {
    ...before,
    names,
    dataStart: before.dataStart + bytes,
    lines: before.lines + counts.lines,
    comments: before.comments + counts.comments,
    blank: counts.blank,
  };
}

export function sameAsHeader(record: Fields, names: readonly string[]): boolean {
  if (record.fieldCount !== names.length) return false;
  return names.every(
    (name, index) => hasLengthOf(record, index, name) && fieldText(record, index) === name,
  );
}

/** False if the raw bytes are too few or too many to be this text; spares most records the text. */
function hasLengthOf(record: Fields, index: number, text: string): boolean {
  const bytes = (record.fieldEnd[index] ?? 0) - (record.fieldStart[index] ?? 0);
  const isRaw = ((record.fieldFlags[index] ?? 0) & decodeFlag) === 0;
  return bytes >= text.length && (!isRaw || bytes <= 3 * text.length);
}
