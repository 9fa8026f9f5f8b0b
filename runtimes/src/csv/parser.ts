/**
 * Parses one chunk of whole records. Calls the sink once for each data record, always with the same
 * object: what the sink wants to keep, it copies. Values come from `field-text.ts`.
 *
 * Nothing is dropped: a line is a record, part of one, blank, a comment, or bad. Ragged records are
 * records; whoever knows the width rejects them. In a file of one column an empty line is blank
 * too; an empty value is written `""` there.
 */

import { isAscii, isUtf8 } from 'node:buffer';
import type { Dialect } from './dialect.ts';
import type { Fields } from './field-text.ts';
import { CR, LF } from './line-end.ts';
import { decodeFlag, RecordReader, type Outcome } from './record-reader.ts';
import { unitCount, unitsOf } from './units.ts';

export type BadReason = 'UnclosedQuote' | 'RecordTooLong' | 'TooManyFields' | 'InvalidEncoding';

export interface ParsedRecord extends Fields {
  /** Where the record begins in the file. */
  readonly offset: number;
  /** The raw record within `bytes`, without its line end. */
  readonly start: number;
  readonly end: number;
  /** 1 for the first line of the chunk. */
  readonly line: number;
}

export interface BadRecord {
  readonly offset: number;
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly reason: BadReason;
}

export interface RecordSink {
  record(record: ParsedRecord): void;
  bad(record: BadRecord): void;
}

export interface Chunk {
  readonly bytes: Buffer;
  /** Where `bytes[0]` is in the file. */
  readonly offset: number;
  readonly dialect: Dialect;
  readonly maxRecordBytes: number;
  /** The number of fields that a record should have; others are counted as ragged. */
  readonly width?: number;
}

export interface ChunkCounts {
  records: number;
  ragged: number;
  comments: number;
  blank: number;
  bad: number;
  lines: number;
}

const badReasons: Partial<Record<Outcome, BadReason>> = {
  // A record that ends the file within a character.
  record: 'InvalidEncoding',
  unclosed: 'UnclosedQuote',
  tooLong: 'RecordTooLong',
  tooManyFields: 'TooManyFields',
};

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** A chunk that is read a part at a time, for who has something to do between the parts. */
export interface Parsing {
  /** Complete when `readTo` has returned false. */
  readonly counts: Readonly<ChunkCounts>;
  /** Reads the records that begin before `end`; returns whether there are more. */
  readTo(end: number): boolean;
}

export function parseChunk(chunk: Chunk, sink: RecordSink): ChunkCounts {
  const parsing = beginChunk(chunk, sink);
  parsing.readTo(chunk.bytes.length);
  return parsing.counts;
}

export function beginChunk(chunk: Chunk, sink: RecordSink): Parsing {
  const { bytes, offset, dialect } = chunk;
  const counts = { records: 0, ragged: 0, comments: 0, blank: 0, bad: 0, lines: 0 };
  const units = unitsOf(dialect);
  const { size } = units;
  const view = units.of(bytes);
  const reader = new RecordReader(units.marks, {
    maxRecordUnits: unitCount(units, chunk.maxRecordBytes),
  });
  const mustDecode = size === 1 && hasToDecode(bytes, dialect);
  // A file that ends within a character: its last record is not what was written.
  const brokenEnd = bytes.length % size === 0 ? -1 : view.length;
  const record = emptyRecord(chunk);
  reader.bind(view, view.length, true);
  const tell = (start: number, end: number, line: number): void => {
    if (size > 1) placeFields(reader, size);
    else if (mustDecode) markFieldsToDecode(reader, bytes);
    record.offset = offset + start;
    record.start = start;
    record.end = end;
    record.line = line;
    copyFields(reader, record);
    counts.records += 1;
    if (chunk.width !== undefined && chunk.width !== record.fieldCount) counts.ragged += 1;
    sink.record(record);
  };
  const readOne = (from: number): void => {
    const outcome = reader.read(from);
    const line = counts.lines + 1;
    const isOneLine = !reader.isMultiline && outcome !== 'tooLong';
    counts.lines += isOneLine ? 1 : linesIn(view, from, reader.next);
    const start = from * size;
    const end = Math.min(reader.contentEnd * size, bytes.length);
    if (outcome === 'record' && reader.contentEnd !== brokenEnd) tell(start, end, line);
    else if (outcome === 'blank') counts.blank += 1;
    else if (outcome === 'comment') counts.comments += 1;
    else {
      counts.bad += 1;
      const reason = badReasons[outcome] ?? 'UnclosedQuote';
      sink.bad({ offset: offset + start, line, start, end, reason });
    }
  };
  let next = 0;
  return {
    counts,
    readTo: (end) => {
      const limit = Math.min(Math.ceil(end / size), view.length);
      for (; next < limit; next = reader.next) readOne(next);
      return next < view.length;
    },
  };
}

function emptyRecord(chunk: Chunk): Writable<ParsedRecord> {
  return {
    bytes: chunk.bytes,
    dialect: chunk.dialect,
    offset: 0,
    start: 0,
    end: 0,
    line: 0,
    fieldCount: 0,
    fieldStart: new Int32Array(0),
    fieldEnd: new Int32Array(0),
    fieldFlags: new Uint8Array(0),
  };
}

function copyFields(reader: RecordReader, record: Writable<ParsedRecord>): void {
  record.fieldCount = reader.fieldCount;
  record.fieldStart = reader.fieldStart;
  record.fieldEnd = reader.fieldEnd;
  record.fieldFlags = reader.fieldFlags;
}

/** Whether some value is not its bytes, escapes aside. */
function hasToDecode(bytes: Buffer, dialect: Dialect): boolean {
  return dialect.encoding === 'UTF-8' ? !isUtf8(bytes) : !isAscii(bytes);
}

/** From units to bytes; in an encoding of wide units, no value is its bytes. */
function placeFields(reader: RecordReader, size: number): void {
  for (let index = 0; index < reader.fieldCount; index += 1) {
    reader.fieldStart[index] = (reader.fieldStart[index] as number) * size;
    reader.fieldEnd[index] = (reader.fieldEnd[index] as number) * size;
    reader.fieldFlags[index] = (reader.fieldFlags[index] as number) | decodeFlag;
  }
}

/** Marks the fields with bytes beyond ASCII: only those can be invalid or need decoding. */
function markFieldsToDecode(reader: RecordReader, bytes: Buffer): void {
  for (let index = 0; index < reader.fieldCount; index += 1) {
    const end = reader.fieldEnd[index] as number;
    let at = reader.fieldStart[index] as number;
    while (at < end && (bytes[at] as number) < 0x80) at += 1;
    if (at < end) reader.fieldFlags[index] = (reader.fieldFlags[index] as number) | decodeFlag;
  }
}

function linesIn(bytes: Buffer, start: number, end: number): number {
  let lines = 0;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at];
    if (byte === LF || (byte === CR && bytes[at + 1] !== LF)) lines += 1;
  }
  const last = bytes[end - 1];
  return last === LF || last === CR ? lines : lines + 1;
}
