/**
 * The part of a sample that a candidate dialect is judged by: its first records, each whole. Where a
 * record is long (a web page in quotes), a cut at any line would tear it into lines that speak
 * against the right dialect.
 *
 * A record that the sample itself cuts is left out, unless its lines read like the records before it:
 * then its quote was none.
 */

import type { Dialect } from './dialect.ts';
import { afterLines } from './line-end.ts';
import { RecordReader } from './record-reader.ts';
import { readSample } from './sniff-candidate.ts';
import { wholeLines } from './sniff-sample.ts';
import { unitsOf } from './units.ts';

/** Enough lines to tell delimiters apart; thousands of files must be sniffed in one call. */
const firstLookBytes = 64 << 10;
/** Lines of thousands of columns may be longer: then as much as so many of them take. */
const firstLookLinesMin = 8;
/** Of the agreement of the records before, what lines must keep to be records too. */
const alikeShare = 0.8;

/** UTF-8 from the beginning of a file, in whole lines. */
export interface Excerpt {
  readonly bytes: Buffer;
  /** Records that begin before this byte are looked at. */
  readonly to: number;
  /** Whether the file goes on after the bytes. */
  readonly isCut: boolean;
}

export function beginningOf({ bytes, isCut }: Excerpt): Excerpt {
  const soon = Math.max(firstLookBytes, afterLines(bytes, firstLookLinesMin).at);
  return { bytes, isCut, to: Math.min(soon, bytes.length) };
}

/** The bytes to read with this dialect. */
export function recordsOf(excerpt: Excerpt, dialect: Dialect): Buffer {
  const { bytes, to, isCut } = excerpt;
  if (to >= bytes.length && !isCut) return bytes;
  const { end, isUnfinished } = recordsEnd(excerpt, dialect);
  const records = bytes.subarray(0, end);
  if (!isUnfinished) return records;
  const lines = wholeLines(bytes.subarray(0, to));
  const [before, all] = [readSample(records, dialect), readSample(lines, dialect)];
  const isAlike = all.width === before.width && all.share >= before.share * alikeShare;
  return before.records === 0 || isAlike ? lines : records;
}

function recordsEnd(
  { bytes, to, isCut }: Excerpt,
  dialect: Dialect,
): { readonly end: number; readonly isUnfinished: boolean } {
  const units = unitsOf(dialect);
  const reader = new RecordReader(units.marks, { maxRecordUnits: bytes.length + 1 });
  reader.bind(units.of(bytes), bytes.length, !isCut);
  let end = 0;
  for (; end < to; end = reader.next) {
    if (reader.read(end) === 'needMore') return { end, isUnfinished: true };
  }
  return { end, isUnfinished: false };
}
