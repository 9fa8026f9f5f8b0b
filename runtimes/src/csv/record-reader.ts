/**
 * The automaton that says where a record ends and where its fields are. The boundary scanner and
 * the parser both run this class, so a chunk is always cut where the parser would have cut it. It
 * reads units (`units.ts`), and all its numbers count them.
 *
 * Every decision depends only on bytes from the record's start up to the end of the line at hand.
 * That is why a chunk's end can stand for the end of the input: whatever closes, closes inside its
 * chunk; whatever does not is abandoned after its first line, with or without the bytes beyond.
 *
 * Rules, in the order they are tried at each record:
 * - an empty line is blank; a line that begins with the comment character is a comment;
 * - where runs of spaces delimit, those at the start and the end of a record are passed over;
 * - a record ends at LF, CRLF or CR, in any mixture, outside of quotes;
 * - a quote opens only at the start of a field (spaces before it are allowed if it closes on the
 *   same line); everywhere else in an unquoted field it is a character like any other;
 * - inside quotes, see `QuotedField`;
 * - a record longer than the limit ends at the first line end at or after the limit (`tooLong`);
 *   one whose quote is still open there, or at the end of input, is its first line: `unclosed`, if it
 *   makes no sense by itself.
 */

import { openings, plainClasses, quotedClasses } from './byte-classes.ts';
import { edge, literal, needMore, QuotedField, tooLong, unclosed } from './quoted-field.ts';
import { CR, endOfLine, LF } from './line-end.ts';
import type { Marks } from './units.ts';

export type Outcome =
  | 'record'
  | 'blank'
  | 'comment'
  | 'unclosed'
  | 'tooLong'
  | 'tooManyFields'
  | 'needMore';

/** Bit of `fieldFlags`: the field was enclosed in quotes. */
export const quotedFlag = 1;
/** Bit of `fieldFlags`: the bytes are not the value yet (escapes to undo or bytes to decode). */
export const decodeFlag = 2;
/** Bit of `fieldFlags`: a quote character is missing or stands where a careful writer would not put one. */
export const strayFlag = 4;

/** More is not a table but a wrong delimiter; 13 bytes of memory a field make this 13 MB. */
const fieldsMax = 1_000_000;

export interface ReadLimits {
  /** The most units of a record: bytes, or half of them in UTF-16. */
  readonly maxRecordUnits: number;
}

type Window = Parameters<QuotedField['begin']>[0];

export class RecordReader {
  fieldCount = 0;
  fieldStart = new Int32Array(64);
  fieldEnd = new Int32Array(64);
  fieldFlags = new Uint8Array(64);
  /** The end of the record without its line end, and the start of what follows. */
  contentEnd = 0;
  next = 0;
  /** Where the field begins that broke an `unclosed` record; the fields before it are good. */
  brokenAt = 0;
  /** True if the record spans several physical lines. */
  isMultiline = false;

  readonly #marks: Marks;
  readonly #maxRecordUnits: number;
  readonly #class: Uint8Array;
  /** Bytes at which a field may begin that is quoted; bytes that matter inside of quotes. */
  readonly #mayOpen: Uint8Array;
  readonly #quotedClass: Uint8Array;
  readonly #quoted: QuotedField;
  readonly #hasEscape: boolean;
  readonly #spaces: Uint8Array;
  #bytes: Uint8Array = new Uint8Array(0);
  #end = 0;
  #isFinal = true;
  #isOneLine = false;
  #stop = 0;
  /** One object for all records: a new one each made 11 MB of garbage a chunk. */
  readonly #window: { -readonly [K in keyof Window]: Window[K] } = {
    bytes: this.#bytes,
    stop: 0,
    isLimited: false,
    isFinal: true,
    isOneLine: false,
  };

  constructor(marks: Marks, limits: ReadLimits) {
    this.#marks = marks;
    this.#maxRecordUnits = limits.maxRecordUnits;
    this.#hasEscape = marks.escape === 'Backslash';
    this.#class = plainClasses(marks);
    this.#mayOpen = openings(marks);
    this.#quotedClass = quotedClasses(marks);
    this.#spaces = marks.spaces;
    this.#quoted = new QuotedField(marks);
  }

  /** Reads from these bytes from now on. `isFinal`: nothing follows byte `end`. */
  bind(bytes: Uint8Array, end: number, isFinal: boolean): void {
    this.#bytes = bytes;
    this.#end = end;
    this.#isFinal = isFinal;
    this.#quoted.forget();
  }

  /** Reads the record at `start`, which must be before the end. */
  read(start: number): Outcome {
    const limit = start + this.#maxRecordUnits;
    const isLimited = limit < this.#end;
    this.#stop = isLimited ? limit : this.#end;
    this.fieldCount = 0;
    this.isMultiline = false;
    const first = this.#bytes[start];
    if (first === LF || first === CR) return this.#finish(start, 'blank');
    if (first === this.#marks.comment) return this.#line(start, 'comment');
    this.#window.isLimited = isLimited;
    this.#beginWindow();
    return this.#fields(start);
  }

  #beginWindow(): void {
    const window = this.#window;
    window.bytes = this.#bytes;
    window.stop = this.#stop;
    window.isFinal = this.#isFinal;
    window.isOneLine = this.#isOneLine;
    this.#quoted.begin(window);
  }

  /**
   * Reads the first line of a record that does not close, as if nothing followed. All of it is read
   * again, and never a part: whichever bytes follow, in a file or in a chunk, the result is the same.
   */
  #firstLine(start: number): Outcome {
    const lineEnd = this.#quoted.firstLineEnd;
    const [end, isFinal] = [this.#end, this.#isFinal];
    this.#end = this.#stop = lineEnd < 0 ? end : lineEnd;
    this.#isFinal = true;
    this.fieldCount = 0;
    this.#isOneLine = true;
    this.#window.isLimited = false;
    this.#beginWindow();
    const outcome = this.#fields(start);
    this.#isOneLine = false;
    this.#end = end;
    this.#isFinal = isFinal;
    return this.#finish(lineEnd < 0 ? end : lineEnd, outcome);
  }

  #fields(start: number): Outcome {
    const { delimiter, padding, indent } = this.#marks;
    if (indent !== undefined) return this.#alignedFields(start, indent);
    let at = start;
    for (;;) {
      const from = padding !== undefined && at > start ? this.#skip(at, padding) : at;
      const stop = this.#field(from);
      if (stop < 0) {
        this.brokenAt = from;
        return this.#broken(stop, start);
      }
      if (stop >= this.#end || this.#bytes[stop] !== delimiter) return this.#record(stop);
      at = stop + 1;
    }
  }

  /** As `#fields`, where runs delimit: what indents a line or ends it separates nothing. */
  #alignedFields(start: number, indent: Uint8Array): Outcome {
    const { delimiter, padding = indent } = this.#marks;
    let at = this.#skip(start, indent);
    if (at > start && this.#endsAt(at)) return this.#finish(at, 'blank');
    for (;;) {
      const stop = this.#field(at);
      if (stop < 0) {
        this.brokenAt = at;
        return this.#broken(stop, start);
      }
      if (stop >= this.#end || this.#bytes[stop] !== delimiter) return this.#record(stop);
      at = this.#skip(stop + 1, padding);
      if (this.#endsAt(at)) return this.#record(at);
    }
  }

  #record(end: number): Outcome {
    this.isMultiline = this.#quoted.firstLineEnd >= 0;
    return this.#finish(end, this.fieldCount > fieldsMax ? 'tooManyFields' : 'record');
  }

  /** Whether a line, or all there is, ends here. */
  #endsAt(at: number): boolean {
    if (at >= this.#stop) return at >= this.#end && this.#isFinal;
    return this.#bytes[at] === LF || this.#bytes[at] === CR;
  }

  /** Reads one field and returns the index of what ended it, or a negative code. */
  #field(from: number): number {
    const bytes = this.#bytes;
    const classes = this.#class;
    const stop = this.#stop;
    // Nearly all fields end here or one call further; every other rule is in the general way.
    if (from < stop && this.#mayOpen[bytes[from] as number] === 0) {
      let at = from;
      while (at < stop && classes[bytes[at] as number] === 0) at += 1;
      if (at >= stop || classes[bytes[at] as number] !== 1) return this.#plain(from, at);
      this.#push(from, at, 0);
      return at;
    }
    const end = this.#usualQuoted(from);
    return end >= 0 ? end : this.#unusual(from);
  }

  /**
   * A field in quotes that closes before the next quote, line end and escape, at a delimiter or line
   * end; -1 if it is another one. Nothing is remembered of what was looked at: `QuotedField` looks at
   * it once more.
   */
  #usualQuoted(from: number): number {
    const bytes = this.#bytes;
    const inQuotes = this.#quotedClass;
    const last = this.#stop - 1;
    if (from >= last || bytes[from] !== this.#marks.quote) return -1;
    let at = from + 1;
    while (at < last && inQuotes[bytes[at] as number] === 0) at += 1;
    if (at >= last || bytes[at] !== this.#marks.quote) return -1;
    const next = bytes[at + 1];
    if (next !== this.#marks.delimiter && next !== LF && next !== CR) return -1;
    this.#push(from + 1, at, quotedFlag);
    return at + 1;
  }

  #unusual(from: number): number {
    const open = this.#openingQuote(from);
    if (open < 0) return this.#plain(from, from);
    const stop = this.#quoted.read(open, open !== from);
    if (stop === literal) return this.#literal(from, open);
    if (stop >= 0) this.#push(open + 1, this.#quoted.contentEnd, this.#quoted.flags);
    return stop;
  }

  /**
   * A field whose quote is none. Where another field opens before ours has closed, and this writer
   * quotes by habit, it is one all the same: only the closing quote is missing.
   */
  #literal(from: number, open: number): number {
    const { literalFrom } = this.#quoted;
    const isCut = open === from && literalFrom === open && this.#quotesByHabit();
    const stop = this.#plain(isCut ? open + 1 : from, isCut ? open + 1 : literalFrom);
    if (isCut && stop >= 0) this.#mark(quotedFlag | strayFlag | decodeFlag);
    else if (stop >= 0 && this.#hasEscape) this.#markSkipped(from, literalFrom);
    return stop;
  }

  #mark(flags: number): void {
    const last = this.fieldCount - 1;
    if (last < this.fieldFlags.length) this.fieldFlags[last] = flags;
  }

  /** What lies before the place where the field's end was looked for may hold an escape as well. */
  #markSkipped(from: number, to: number): void {
    let at = from;
    while (at < to && this.#bytes[at] !== 0x5c) at += 1;
    if (at < to) this.#mark((this.fieldFlags[this.fieldCount - 1] ?? 0) | decodeFlag);
  }

  /** Whether the field before this one is quoted and need not be. */
  #quotesByHabit(): boolean {
    const last = Math.min(this.fieldCount, fieldsMax) - 1;
    if (last < 0 || this.fieldFlags[last] !== quotedFlag) return false;
    const field = this.#bytes.subarray(this.fieldStart[last], this.fieldEnd[last]);
    return !field.includes(this.#marks.delimiter);
  }

  #openingQuote(from: number): number {
    const { quote } = this.#marks;
    if (quote === undefined || from >= this.#stop) return -1;
    if (this.#bytes[from] === quote) return from;
    if (this.#spaces[this.#bytes[from] as number] === 0) return -1;
    const at = this.#skip(from, this.#spaces);
    return at < this.#stop && this.#bytes[at] === quote ? at : -1;
  }

  #skip(from: number, table: Uint8Array): number {
    let at = from;
    while (at < this.#stop && table[this.#bytes[at] as number] === 1) at += 1;
    return at;
  }

  /** Reads an unquoted field, of which what is before `search` is known to hold no end. */
  #plain(from: number, search: number): number {
    const bytes = this.#bytes;
    const classes = this.#class;
    const stop = this.#stop;
    let flags = bytes[from] === this.#marks.quote && from < stop ? strayFlag : 0;
    let at = search;
    for (;;) {
      while (at < stop && classes[bytes[at] as number] === 0) at += 1;
      if (!this.#protects(at)) break;
      // A pair may reach one byte over the edge; the edge rules below then apply.
      const pair = this.#escapedBytes(at);
      if (pair === 2) flags |= decodeFlag;
      at += pair;
    }
    if (at >= stop) {
      if (stop < this.#end || !this.#isFinal) return stop < this.#end ? edge : needMore;
      at = this.#end;
    }
    this.#push(from, at, flags);
    return at;
  }

  /** Classes are compared once more here, so that fields without backslashes never pay for them. */
  #protects(at: number): boolean {
    return this.#hasEscape && at < this.#stop && this.#bytes[at] === 0x5c;
  }

  /**
   * In an unquoted field a backslash protects the delimiter, the quote and itself. Line ends are
   * protected only where there are no quotes to hold them; elsewhere `C:\dir\` ends its line.
   */
  #escapedBytes(at: number): 1 | 2 {
    const byte = this.#bytes[at + 1];
    const { delimiter, quote, isDelimiterEscapable } = this.#marks;
    const isProtected = byte === delimiter && isDelimiterEscapable;
    if (isProtected || byte === 0x5c || byte === quote) return at + 1 < this.#end ? 2 : 1;
    if (at + 1 >= this.#end) return 1;
    return quote === undefined && (byte === LF || byte === CR) ? 2 : 1;
  }

  #push(start: number, end: number, flags: number): void {
    const index = this.fieldCount;
    this.fieldCount = index + 1;
    if (index >= this.fieldStart.length) {
      if (index >= fieldsMax) return;
      this.#grow();
    }
    this.fieldStart[index] = start;
    this.fieldEnd[index] = end;
    this.fieldFlags[index] = flags;
  }

  #grow(): void {
    const length = Math.min(this.fieldStart.length * 4, fieldsMax);
    const [starts, ends, flags] = [this.fieldStart, this.fieldEnd, this.fieldFlags];
    this.fieldStart = new Int32Array(length);
    this.fieldEnd = new Int32Array(length);
    this.fieldFlags = new Uint8Array(length);
    this.fieldStart.set(starts);
    this.fieldEnd.set(ends);
    this.fieldFlags.set(flags);
  }

  #broken(code: number, start: number): Outcome {
    if (code === needMore) return 'needMore';
    if (code === unclosed) return this.#isOneLine ? 'unclosed' : this.#firstLine(start);
    // `edge` in an unquoted field and `tooLong` in a quoted one are the same verdict.
    const from = code === edge || code === tooLong ? this.#stop : start;
    return this.#line(from, 'tooLong');
  }

  /** Ends the record at the first line end at or after `from`. */
  #line(from: number, outcome: Outcome): Outcome {
    const lineEnd = endOfLine(this.#bytes, from, this.#end);
    const verdict = lineEnd > this.#stop ? 'tooLong' : outcome;
    if (lineEnd < this.#end || this.#isFinal) return this.#finish(lineEnd, verdict);
    this.next = -1;
    return verdict === 'tooLong' ? 'tooLong' : 'needMore';
  }

  #finish(lineEnd: number, outcome: Outcome): Outcome {
    this.contentEnd = lineEnd;
    if (lineEnd >= this.#end) {
      this.next = this.#end;
      return outcome;
    }
    if (this.#bytes[lineEnd] === CR) {
      // Whether an LF follows a CR at the edge is not known yet, and CRLF is never cut in two.
      if (lineEnd + 1 >= this.#end && !this.#isFinal) return 'needMore';
      if (lineEnd + 1 < this.#end && this.#bytes[lineEnd + 1] === LF) {
        this.next = lineEnd + 2;
        return outcome;
      }
    }
    this.next = lineEnd + 1;
    return outcome;
  }
}
