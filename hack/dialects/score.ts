/**
 * How much of a file was read as a careful person would: the header, the records and the cells,
 * each as the balance (F1) of what was found and what should have been.
 */
import { preview, type Preview } from '@millrace/runtimes/csv/preview';
import type { DialectFile, Row } from './draft.ts';

export interface Score {
  /** The header and every record, in order. */
  readonly exact: boolean;
  readonly header: boolean;
  readonly delimiter: boolean;
  readonly preamble: boolean;
  readonly records: number;
  readonly cells: number;
  readonly confidence: number;
  readonly ambiguous: boolean;
}

interface Reading {
  readonly header: Row | null;
  readonly records: readonly Row[];
  readonly preview: Preview;
}

export async function readFile(bytes: Buffer): Promise<Reading> {
  const records: Row[] = [];
  let header: Row | null = null;
  const source = {
    size: bytes.length,
    read: (offset: number, length: number) =>
      Promise.resolve(bytes.subarray(offset, offset + length)),
  };
  const seen = await preview(source, {
    format: {},
    maxRecordBytes: 16 << 20,
    onHeader: (names) => (header = names),
    onRecord: (values) => records.push([...values]),
  });
  return { header, records, preview: seen };
}

export async function scoreOf({ bytes, truth }: DialectFile): Promise<Score> {
  const wrong = {
    exact: false,
    header: false,
    delimiter: false,
    preamble: false,
    records: 0,
    cells: 0,
  };
  let reading: Reading;
  try {
    reading = await readFile(bytes);
  } catch {
    return { ...wrong, confidence: 0, ambiguous: true };
  }
  const header = same(reading.header, truth.header);
  const expected = whole(truth.header, truth.records);
  const found = whole(reading.header, reading.records);
  const { dialect, confidence } = reading.preview;
  return {
    exact: header && same(reading.records, truth.records),
    header,
    delimiter: delimiterOf(dialect) === truth.delimiter,
    preamble: dialect.preambleLines === truth.preambleLines,
    records: balance(found.map(text), expected.map(text)),
    cells: balance(found.flat(), expected.flat()),
    confidence,
    ambiguous: reading.preview.ambiguous,
  };
}

function delimiterOf({ delimiter, padded }: Preview['dialect']): string {
  if (delimiter.endsWith('Spaces')) return ' ';
  return padded ? `${delimiter} ` : delimiter;
}

function whole(header: Row | null, records: readonly Row[]): readonly Row[] {
  return header === null ? records : [header, ...records];
}

function text(value: unknown): string {
  return JSON.stringify(value);
}

function same(left: unknown, right: unknown): boolean {
  return text(left) === text(right);
}

function balance(found: readonly string[], expected: readonly string[]): number {
  if (found.length === 0 && expected.length === 0) return 1;
  const counts = new Map<string, number>();
  for (const value of expected) counts.set(value, (counts.get(value) ?? 0) + 1);
  let common = 0;
  for (const value of found) {
    const left = counts.get(value) ?? 0;
    if (left > 0) common += 1;
    counts.set(value, left - 1);
  }
  return (2 * common) / (found.length + expected.length);
}
