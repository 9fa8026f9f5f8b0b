/**
 * Cuts a stream of bytes into chunks that end on record boundaries, in one sequential pass.
 *
 * Records are found by the parser's own automaton, so both agree by construction. It is run only
 * where it matters: a line without a quote (or, in dialects that let a backslash protect a line
 * end, without a backslash) is a record, so whole stretches between such bytes are skipped at the
 * speed of a memory search. A chunk ends at the first boundary at or after `chunkBytes`, and before
 * and after a record that is too long, which is a chunk of its own, marked `tooLong`: nobody has to
 * hold it in memory to reject it. Thus a chunk that is not marked is shorter than chunkBytes +
 * maxRecordBytes + 2.
 *
 * Memory: a few times maxRecordBytes, and the buffers fed. Any chunk's end is a place to start anew.
 */

import type { Dialect } from './dialect.ts';
import { CR, endOfLine, LF } from './line-end.ts';
import { RecordReader } from './record-reader.ts';

export interface PlannedChunk {
  readonly offset: number;
  readonly length: number;
  /** One record longer than maxRecordBytes: reject it unread. */
  readonly tooLong?: true;
}

export interface ScanOptions {
  readonly dialect: Dialect;
  /** Where the data begins, or where an earlier chunk ended. */
  readonly start: number;
  readonly chunkBytes: number;
  readonly maxRecordBytes: number;
}

const nowhere = Number.MAX_SAFE_INTEGER;

export class BoundaryScanner {
  readonly #options: ScanOptions;
  readonly #reader: RecordReader;
  readonly #special: readonly number[];
  #chunks: PlannedChunk[] = [];
  /** The file offset where the chunk being filled begins. */
  #chunkStart: number;
  /** Bytes from the record at hand on, and where they are in the file. */
  #window: Buffer = Buffer.alloc(0);
  #windowStart: number;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #neededBytes = 0;
  #isFinal = false;
  #isSkipping = false;
  #hasCR = false;
  #nextSpecial = -1;

  constructor(options: ScanOptions) {
    this.#options = options;
    this.#reader = new RecordReader(options.dialect, options);
    this.#chunkStart = options.start;
    this.#windowStart = options.start;
    this.#special = specialBytes(options.dialect);
  }

  /** Takes the bytes that follow those fed before; returns the chunks completed by them. */
  feed(bytes: Buffer): PlannedChunk[] {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    // Looking again at each small buffer would make one long record quadratic.
    if (this.#window.length + this.#waitingBytes >= this.#neededBytes) this.#scan();
    return this.#take();
  }

  /** No more bytes: returns the last chunks. */
  finish(): PlannedChunk[] {
    this.#isFinal = true;
    this.#scan();
    const end = this.#windowStart + this.#window.length;
    if (this.#isSkipping) this.#cut(end, true);
    else this.#cut(end);
    return this.#take();
  }

  #take(): PlannedChunk[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    return chunks;
  }

  #scan(): void {
    this.#window = Buffer.concat([this.#window, ...this.#waiting]);
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#neededBytes = 0;
    this.#nextSpecial = -1;
    this.#hasCR = this.#window.includes(CR);
    this.#reader.bind(this.#window, this.#window.length, this.#isFinal);
    let at = this.#isSkipping ? this.#skip(0) : 0;
    while (at < this.#window.length) {
      const next = this.#step(at);
      if (next < 0) break;
      at = next;
      const boundary = this.#windowStart + at;
      const isFull = boundary - this.#chunkStart >= this.#options.chunkBytes;
      if (isFull && !this.#isSkipping) this.#cut(boundary);
    }
    this.#window = this.#window.subarray(at);
    this.#windowStart += at;
  }

  /** From one record start to a later one, never past the chunk's end; -1 if bytes are lacking. */
  #step(at: number): number {
    const hop = this.#hop(at);
    if (hop > at) return hop;
    const outcome = this.#reader.read(at);
    if (outcome === 'needMore') {
      this.#neededBytes = (this.#window.length - at) * 1.5;
      return -1;
    }
    if (outcome !== 'tooLong') return this.#reader.next;
    this.#cut(this.#windowStart + at);
    this.#isSkipping = true;
    return this.#skip(at);
  }

  /** Passes over plain lines: as far as the chunk, the next special byte or a long line allows. */
  #hop(at: number): number {
    const limit = Math.min(this.#findSpecial(at), at + this.#options.maxRecordBytes);
    const wanted = this.#chunkStart + this.#options.chunkBytes - 1 - this.#windowStart;
    if (wanted < limit) {
      const lineEnd = endOfLine(this.#window, Math.max(wanted, at), limit);
      if (lineEnd < limit) return this.#afterLineEnd(lineEnd);
    }
    const lineEnd = this.#lastLineEnd(at, limit);
    if (lineEnd < 0) return -1;
    const after = this.#afterLineEnd(lineEnd);
    if (after >= 0) return after;
    const earlier = this.#lastLineEnd(at, lineEnd);
    return earlier < 0 ? -1 : this.#afterLineEnd(earlier);
  }

  /** -1 if it depends on the byte after the window whether this CR is a line end by itself. */
  #afterLineEnd(lineEnd: number): number {
    if (this.#window[lineEnd] === LF) return lineEnd + 1;
    if (lineEnd + 1 >= this.#window.length) return this.#isFinal ? lineEnd + 1 : -1;
    return this.#window[lineEnd + 1] === LF ? lineEnd + 2 : lineEnd + 1;
  }

  #lastLineEnd(from: number, end: number): number {
    const part = this.#window.subarray(from, end);
    const last = Math.max(part.lastIndexOf(LF), this.#hasCR ? part.lastIndexOf(CR) : -1);
    return last < 0 ? -1 : from + last;
  }

  #findSpecial(at: number): number {
    if (this.#nextSpecial >= at) return Math.min(this.#nextSpecial, this.#window.length);
    this.#nextSpecial = nowhere;
    for (const byte of this.#special) {
      const found = this.#window.indexOf(byte, at);
      if (found >= 0) this.#nextSpecial = Math.min(this.#nextSpecial, found);
    }
    return Math.min(this.#nextSpecial, this.#window.length);
  }

  /** Passes over the rest of a record that is too long, which may take many windows. */
  #skip(at: number): number {
    const from = Math.max(at, this.#chunkStart + this.#options.maxRecordBytes - this.#windowStart);
    const end = this.#window.length;
    const lineEnd = from < end ? endOfLine(this.#window, from, end) : end;
    if (lineEnd >= end) return end;
    const after = this.#afterLineEnd(lineEnd);
    if (after < 0) return lineEnd;
    this.#cut(this.#windowStart + after, true);
    this.#isSkipping = false;
    return after;
  }

  #cut(end: number, isTooLong = false): void {
    const [offset, length] = [this.#chunkStart, end - this.#chunkStart];
    this.#chunkStart = end;
    if (length <= 0) return;
    this.#chunks.push(isTooLong ? { offset, length, tooLong: true } : { offset, length });
  }
}

/** The bytes without which a line is a record. */
function specialBytes(dialect: Dialect): number[] {
  if (dialect.quote !== undefined) return [dialect.quote];
  return dialect.escape === 'Backslash' ? [0x5c] : [];
}
