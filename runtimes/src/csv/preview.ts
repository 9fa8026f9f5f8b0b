/**
 * What an import would make of a file: dialect, header, column types, counts, rejects. Reads the
 * whole file once in chunks, so its memory does not grow with the file.
 *
 * Every data record goes to `onRecord` as texts, ragged and broken ones included, in file order. The
 * sink is synchronous; `onChunk` is awaited after each chunk, for a caller that must drain.
 */

import { BoundaryScanner, type PlannedChunk } from './boundaries.ts';
import { ColumnGuess, type ColumnType } from './column-type.ts';
import { readableDialect, type Dialect, type FormatSpec, type ReadableDialect } from './dialect.ts';
import { fieldText, textsOf } from './field-text.ts';
import { readHeader, sameAsHeader, type Header } from './header.ts';
import { parseChunk, type BadRecord, type ParsedRecord } from './parser.ts';
import { decodeFlag } from './record-reader.ts';
import { probePlaces } from './sniff-probes.ts';
import { sniff } from './sniff.ts';
import { splitLine } from './split-line.ts';

export interface PreviewSource {
  readonly size: number;
  read(offset: number, length: number): Promise<Buffer>;
}

export interface PreviewOptions {
  readonly format: FormatSpec;
  readonly maxRecordBytes: number;
  /** Called once, before any record, with the header or null. */
  readonly onHeader?: (names: readonly string[] | null) => void;
  readonly onRecord?: (values: readonly string[]) => void;
  readonly onChunk?: () => Promise<void>;
}

export interface PreviewColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly empty: number;
}

export interface PreviewReject {
  readonly line: number;
  readonly offset: number;
  readonly reason: string;
}

export interface Preview {
  readonly dialect: ReadableDialect;
  readonly confidence: number;
  readonly reasons: readonly string[];
  /** True if another reading is nearly as likely: `runnerUp` is what to fix in the format then. */
  readonly ambiguous: boolean;
  readonly runnerUp: FormatSpec | null;
  readonly header: readonly string[] | null;
  readonly columns: readonly PreviewColumn[];
  /** All data records, rejected ones included. */
  readonly records: number;
  readonly rejects: {
    readonly total: number;
    readonly byReason: Readonly<Record<string, number>>;
    readonly first: readonly PreviewReject[];
  };
  readonly comments: number;
  readonly blank: number;
  readonly bytes: number;
}

const headBytes = 1 << 20;
const chunkBytes = 1 << 20;
const readBytes = 4 << 20;
const firstRejects = 10;
/** A longer record is counted but not shown: as JSON of NULs, each byte takes six characters. */
const shownRecordBytesMax = 32 << 20;

export async function preview(source: PreviewSource, options: PreviewOptions): Promise<Preview> {
  let head = await source.read(0, Math.min(source.size, headBytes));
  const isWholeFile = source.size <= headBytes;
  const probes: Buffer[] = [];
  for (const { offset, length } of probePlaces(source.size, headBytes)) {
    probes.push(await source.read(offset, length));
  }
  const sniffed = sniff(head, options.format, { isWholeFile, probes });
  const { dialect } = sniffed;
  let header = readHeader(head, dialect);
  if (header.dataStart >= head.length && !isWholeFile) {
    head = await source.read(0, Math.min(source.size, headBytes + options.maxRecordBytes));
    header = readHeader(head, dialect);
  }
  const width = header.names?.length ?? sniffed.width;
  options.onHeader?.(header.names);
  const tally = new Tally(options, { dialect, header, width });
  if (isWholeFile) tally.parse(head.subarray(header.dataStart), header.dataStart);
  else await stream(source, tally, { ...options, dialect, start: header.dataStart, chunkBytes });
  await options.onChunk?.();
  const { confidence, reasons, ambiguous, runnerUp } = sniffed;
  const found = { dialect: readableDialect(dialect), confidence, reasons, ambiguous, runnerUp };
  const readable = { ...found, header: header.names };
  return { ...readable, ...tally.result(), bytes: source.size };
}

interface StreamOptions extends PreviewOptions {
  readonly dialect: Dialect;
  readonly start: number;
  readonly chunkBytes: number;
}

async function stream(source: PreviewSource, tally: Tally, options: StreamOptions): Promise<void> {
  const scanner = new BoundaryScanner(options);
  const work = async (chunks: readonly PlannedChunk[]): Promise<void> => {
    for (const { offset, length, tooLong } of chunks) {
      const isShown = tooLong !== true || (options.onRecord && length <= shownRecordBytesMax);
      if (isShown) tally.parse(await source.read(offset, length), offset);
      else tally.unread(offset);
      await options.onChunk?.();
    }
  };
  for (let at = options.start; at < source.size; at += readBytes) {
    await work(scanner.feed(await source.read(at, Math.min(readBytes, source.size - at))));
  }
  await work(scanner.finish());
}

interface Table {
  readonly dialect: Dialect;
  readonly header: Header;
  readonly width: number;
}

/** Counts and types what the chunks hold, in order. */
class Tally {
  readonly #options: PreviewOptions;
  readonly #table: Table;
  readonly #columns: ColumnGuess[];
  readonly #byReason: Record<string, number> = {};
  readonly #first: PreviewReject[] = [];
  #records = 0;
  #rejected = 0;
  #comments: number;
  #blank: number;
  #lines: number;

  constructor(options: PreviewOptions, table: Table) {
    this.#options = options;
    this.#table = table;
    this.#columns = Array.from({ length: table.width }, () => new ColumnGuess());
    ({ comments: this.#comments, blank: this.#blank, lines: this.#lines } = table.header);
  }

  parse(bytes: Buffer, offset: number): void {
    const { dialect } = this.#table;
    const { maxRecordBytes, onRecord } = this.#options;
    const counts = parseChunk(
      { bytes, offset, dialect, maxRecordBytes },
      {
        record: (record) => this.#record(record),
        bad: (bad) => {
          this.#records += 1;
          this.#reject(bad);
          onRecord?.(splitLine(bytes.subarray(bad.start, bad.end), dialect));
        },
      },
    );
    this.#comments += counts.comments;
    this.#blank += counts.blank;
    this.#lines += counts.lines;
  }

  /** A record too long to be read. */
  unread(offset: number): void {
    this.#records += 1;
    this.#reject({ offset, line: 1, reason: 'RecordTooLong' });
    this.#lines += 1;
  }

  result(): Pick<Preview, 'columns' | 'records' | 'rejects' | 'comments' | 'blank'> {
    const names = this.#table.header.names;
    const columns = this.#columns.map(({ type, empty }, index) => ({
      name: names?.[index] ?? String(index),
      type,
      empty,
    }));
    const rejects = { total: this.#rejected, byReason: this.#byReason, first: this.#first };
    return {
      columns,
      records: this.#records,
      rejects,
      comments: this.#comments,
      blank: this.#blank,
    };
  }

  #record(record: ParsedRecord): void {
    this.#records += 1;
    const reason = this.#verdict(record);
    if (reason !== undefined) this.#reject({ offset: record.offset, line: record.line, reason });
    this.#options.onRecord?.(textsOf(record));
    if (reason !== undefined) return;
    for (const [index, column] of this.#columns.entries()) {
      // Making a text of each value costs more than all else here, so settled columns go without.
      if (!column.isSettled) column.add(fieldText(record, index) ?? '');
      else if (record.fieldStart[index] === record.fieldEnd[index]) column.empty += 1;
    }
  }

  #verdict(record: ParsedRecord): string | undefined {
    const { width, header } = this.#table;
    if (record.fieldCount !== width) return 'Ragged';
    if (header.names !== null && sameAsHeader(record, header.names)) return 'RepeatedHeader';
    for (let index = 0; index < record.fieldCount; index += 1) {
      const mayBeInvalid = ((record.fieldFlags[index] ?? 0) & decodeFlag) !== 0;
      if (mayBeInvalid && fieldText(record, index) === undefined) return 'InvalidEncoding';
    }
    return undefined;
  }

  #reject({ line, offset, reason }: Pick<BadRecord, 'line' | 'offset'> & { reason: string }): void {
    this.#rejected += 1;
    this.#byReason[reason] = (this.#byReason[reason] ?? 0) + 1;
    if (this.#first.length < firstRejects) {
      this.#first.push({ line: this.#lines + line, offset, reason });
    }
  }
}
