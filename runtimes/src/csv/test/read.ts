/** Reads one chunk into what tests compare: texts, lines and what was rejected. */

import { standardDialect, type Dialect } from '../dialect.ts';
import { textsOf } from '../field-text.ts';
import { parseChunk, type BadRecord, type ChunkCounts } from '../parser.ts';

export interface Read {
  readonly rows: string[][];
  readonly bad: BadRecord[];
  readonly lines: number[];
  readonly counts: ChunkCounts;
}

export function read(
  input: string | Buffer,
  dialect: Partial<Dialect> = {},
  maxRecordBytes = 10_000,
): Read {
  const bytes = typeof input === 'string' ? Buffer.from(input) : input;
  const rows: string[][] = [];
  const bad: BadRecord[] = [];
  const lines: number[] = [];
  const chunk = { bytes, offset: 0, dialect: { ...standardDialect, ...dialect }, maxRecordBytes };
  const counts = parseChunk(chunk, {
    record: (record) => {
      rows.push(textsOf(record));
      lines.push(record.line);
    },
    bad: (record) => bad.push(record),
  });
  return { rows, bad, lines, counts };
}
