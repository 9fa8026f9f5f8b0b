/**
 * The header record and where the data begins. Data chunks start at `dataStart`, so that no worker
 * ever sees the byte order mark or the header.
 */

import type { Dialect } from './dialect.ts';
import { fieldText, textsOf, type Fields } from './field-text.ts';
import { parseChunk } from './parser.ts';
import { separatorHint } from './separator-hint.ts';
import { decodeFlag, RecordReader } from './record-reader.ts';
import { splitLine } from './split-line.ts';

export interface Header {
  /** The names as they stand in the file, duplicates and empty ones included; null without one. */
  readonly names: readonly string[] | null;
  /** The first byte after the mark, the hint, the header, and the comments and blank lines before it. */
  readonly dataStart: number;
  /** Physical lines, comments (the hint is one) and blank lines before `dataStart`. */
  readonly lines: number;
  readonly comments: number;
  readonly blank: number;
}

/** `head` is the beginning of the file, or all of it; a header that is longer is cut. */
export function readHeader(head: Buffer, dialect: Dialect): Header {
  const hint = separatorHint(head, dialect.bomBytes);
  const start = dialect.bomBytes + (hint?.bytes ?? 0);
  const skipped = hint === undefined ? 0 : 1;
  const none = { names: null, dataStart: start, lines: skipped, comments: skipped, blank: 0 };
  return dialect.header ? namedHeader(head, dialect, none) : none;
}

function namedHeader(head: Buffer, dialect: Dialect, before: Header): Header {
  const limits = { maxRecordBytes: head.length + 1 };
  const reader = new RecordReader(dialect, limits);
  reader.bind(head, head.length, true);
  let start = before.dataStart;
  for (; start < head.length; start = reader.next) {
    const outcome = reader.read(start);
    if (outcome !== 'blank' && outcome !== 'comment') break;
  }
  const isFound = start < head.length;
  const dataStart = isFound ? reader.next : head.length;
  const part = head.subarray(before.dataStart, dataStart);
  const chunk = { bytes: part, offset: before.dataStart, dialect, ...limits };
  let names: string[] | null = null;
  const counts = parseChunk(chunk, {
    record: (record) => (names ??= textsOf(record)),
    bad: (bad) => (names ??= splitLine(part.subarray(bad.start, bad.end), dialect)),
  });
  return {
    names,
    dataStart,
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
