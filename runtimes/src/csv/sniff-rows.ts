/** The first rows of a sample as texts, for what has to look at whole rows. */

import type { Dialect } from './dialect.ts';
import { textsOf } from './field-text.ts';
import { parseChunk } from './parser.ts';
import { splitLine } from './split-line.ts';

export interface SampleRow {
  readonly cells: readonly string[];
  /** The physical line it begins on, 1 for the first. */
  readonly line: number;
  /** Whether an empty line stands before it. */
  readonly isAfterBlank: boolean;
}

/** Enough for the longest preamble and what follows it. */
const rowsMax = 1_200;

export function rowsOf(bytes: Buffer, dialect: Dialect): SampleRow[] {
  const rows: SampleRow[] = [];
  const chunk = { bytes, offset: 0, dialect, maxRecordBytes: bytes.length + 1 };
  const keep = ({ line, start }: { line: number; start: number }, cells: () => string[]): void => {
    if (rows.length >= rowsMax) return;
    rows.push({ line, cells: cells(), isAfterBlank: isAfterBlank(bytes, start) });
  };
  parseChunk(chunk, {
    record: (record) => keep(record, () => textsOf(record)),
    bad: (bad) => keep(bad, () => splitLine(bytes.subarray(bad.start, bad.end), dialect)),
  });
  return rows;
}

function isAfterBlank(bytes: Buffer, start: number): boolean {
  return /(\r\n|\n|\r)(\r\n|\n|\r)$/.test(
    bytes.toString('latin1', Math.max(0, start - 4), start).replaceAll('\r\n', '\n'),
  );
}
