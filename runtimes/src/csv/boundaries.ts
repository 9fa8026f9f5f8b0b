/**
 * Cuts a stream of bytes into chunks that end on record boundaries, in one sequential pass.
 *
 * Records are found by the parser's own automaton, so both agree by construction. It is run only
 * where it matters, on units (`units.ts`): a line without a quote (or, in dialects that let a backslash protect a line
 * end, without a backslash) is a record, so whole stretches between such bytes are skipped at the
 * speed of a memory search. A chunk ends at the first boundary at or after `chunkBytes`, and before
 * and after a record that is too long, which is a chunk of its own, marked `tooLong`: nobody has to
 * hold it in memory to reject it. Thus a chunk that is not marked is shorter than chunkBytes +
 * maxRecordBytes and two characters.
 *
 * Memory: a few times maxRecordBytes, and the buffers fed. Any chunk's end is a place to start anew.
 */

import type { Dialect } from './dialect.ts';
import { CR, endOfLine, LF } from './line-end.ts';
import { RecordReader } from './record-reader.ts';
import { unitCount, unitsOf, type Units } from './units.ts';

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
  readonly #start: number;
  readonly #chunkUnits: number;
  readonly #maxRecordUnits: number;
  readonly #units: Units;
  readonly #reader: RecordReader;
  readonly #special: readonly number[];
  #chunks: PlannedChunk[] = [];
  /** Bytes fed whose units depend on the next ones. */
  #rest: Buffer = Buffer.alloc(0);
  #fedBytes = 0;
  /** Where the chunk being filled begins, in units from the start. */
  #chunkStart = 0;
  /** Units from the record at hand on, and where they are from the start. */
  #window: Buffer = Buffer.alloc(0);
  #windowStart = 0;
  #waiting: Buffer[] = [];
  #waitingUnits = 0;
  #neededUnits = 0;
  #isFinal = false;
  #isSkipping = false;
  #hasCR = false;
  #nextSpecial = -1;

  constructor(options: ScanOptions) {
    this.#units = unitsOf(options.dialect);
    this.#start = options.start;
    this.#chunkUnits = unitCount(this.#units, options.chunkBytes);
    this.#maxRecordUnits = unitCount(this.#units, options.maxRecordBytes);
    this.#reader = new RecordReader(this.#units.marks, { maxRecordUnits: this.#maxRecordUnits });
    this.#special = specialBytes(options.dialect);
  }

  /** Takes the bytes that follow those fed before; returns the chunks completed by them. */
  feed(bytes: Buffer): PlannedChunk[] {
    this.#fedBytes += bytes.length;
    const units = this.#known(bytes);
    this.#waiting.push(units);
    this.#waitingUnits += units.length;
    // Looking again at each small buffer would make one long record quadratic.
    if (this.#window.length + this.#waitingUnits >= this.#neededUnits) this.#scan();
    return this.#take();
  }

  /** The units that no later byte can change; the bytes of the others are kept for the next call. */
  #known(bytes: Buffer): Buffer {
    if (this.#units.areBytes) return bytes;
    const all = Buffer.concat([this.#rest, bytes]);
    const known = all.length - this.#units.unfinished(all);
    this.#rest = all.subarray(known);
    return this.#units.of(all).subarray(0, known / this.#units.size);
  }

  /** No more bytes: returns the last chunks. */
  finish(): PlannedChunk[] {
    this.#isFinal = true;
    this.#waiting.push(this.#units.of(this.#rest));
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
    this.#waitingUnits = 0;
    this.#neededUnits = 0;
    this.#nextSpecial = -1;
    this.#hasCR = this.#window.includes(CR);
    this.#reader.bind(this.#window, this.#window.length, this.#isFinal);
    let at = this.#isSkipping ? this.#skip(0) : 0;
    while (at < this.#window.length) {
      const next = this.#step(at);
      if (next < 0) break;
      at = next;
      const boundary = this.#windowStart + at;
      const isFull = boundary - this.#chunkStart >= this.#chunkUnits;
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
      this.#neededUnits = (this.#window.length - at) * 1.5;
      return -1;
    }
    if (outcome !== 'tooLong') return this.#reader.next;
    this.#cut(this.#windowStart + at);
    this.#isSkipping = true;
    return this.#skip(at);
  }

  /** Passes over plain lines: as far as the chunk, the next special byte or a long line allows. */
  #hop(at: number): number {
    const limit = Math.min(this.#findSpecial(at), at + this.#maxRecordUnits);
    const wanted = this.#chunkStart + this.#chunkUnits - 1 - this.#windowStart;
    if (wanted < limit) {
      const lineEnd = endOfLine(this.#window, Math.max(wanted, at), limit);
      const after = lineEnd < limit ? this.#afterLineEnd(lineEnd) : -1;
      if (after >= 0) return after;
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
    const from = Math.max(at, this.#chunkStart + this.#maxRecordUnits - this.#windowStart);
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
    const { size } = this.#units;
    const from = this.#chunkStart * size;
    // Half a unit at the end of the file counts as one.
    const length = Math.min(end * size, this.#fedBytes) - from;
    const offset = this.#start + from;
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
