/**
 * Reads one quoted field: from its opening quote to the delimiter or line end after its closing
 * quote. Part of the automaton in `record-reader.ts`; split off because its rules are the subtle
 * ones.
 *
 * Inside quotes:
 * - `""` is a quote (unless the escape is `None`), `\"` and `\\` too if the escape is `Backslash`;
 * - a quote closes if only spaces stand between it and a delimiter, a line end or the end of input;
 * - any other quote is a *lone* one. If it follows a delimiter or a line end, and no space follows
 *   it, it opens a field: ours never closed. Otherwise it is text (`"5" pipe",2`) if a quote that
 *   closes comes next on its line, or if neither that nor a delimiter does.
 *
 * If any field of a record never closes by these rules, they are not the rules it was written by,
 * and the record is its first line, read as if nothing followed. There, if a field holds a `""`
 * before a delimiter or line end and not after one, the second of the two closes it
 * (`"5 inch"",2`); else if it holds a lone quote, it was never quoted and is read literally
 * (`"Bob" Smith,2`; a first pair of quotes still holds its delimiters); else the line is rejected.
 *
 * Cost: every search remembers how far it looked, across records too (`#dead*`, `#search*`), so
 * that a file of lines which each open a quote and never close it is still read in linear time.
 * What is remembered is a fact about bytes, never about the record that looked, so a scanner that
 * came from the file's start and a parser that began in its middle decide alike.
 */

import { escapeByte, lineEnd, other, quoteByte, quotedClasses } from './byte-classes.ts';
import { CR, LF } from './line-end.ts';
import type { Marks } from './units.ts';

/** The field ran into the record limit outside of quotes. */
export const edge = -1;
/** The window ended before the field did. */
export const needMore = -2;
/** The opening quote is not one: read the field as plain text. */
export const literal = -3;
/** The quote never closes. */
export const unclosed = -4;
/** The record limit was reached on the record's first line. */
export const tooLong = -5;

const quoted = 1;
const decode = 2;
const stray = 4;

interface Window {
  readonly bytes: Uint8Array;
  /** Where reading must stop: the record's limit, or the end of the window. */
  readonly stop: number;
  readonly isLimited: boolean;
  readonly isFinal: boolean;
  /** The window ends with the record's first line, since the record does not close beyond it. */
  readonly isOneLine: boolean;
}

export class QuotedField {
  contentEnd = 0;
  flags = 0;
  /**
   * Where to look for the end of a field that turned out `literal`: after its second quote, since
   * quotes hold their delimiters even in `"Hello," she said`.
   */
  literalFrom = 0;
  /** The first line end that the record at hand crossed inside quotes, or -1. */
  firstLineEnd = -1;

  readonly #marks: Marks;
  readonly #class: Uint8Array;
  readonly #spaces: Uint8Array;
  #window: Window = {
    bytes: new Uint8Array(0),
    stop: 0,
    isLimited: false,
    isFinal: true,
    isOneLine: false,
  };
  // In quotes at any line start in [deadFrom, deadTo], nothing closes before deadTo; if isDeadEnd,
  // nothing closes at all.
  #deadFrom = -1;
  #deadTo = -1;
  #isDeadEnd = false;
  // After a lone quote in [searchFrom, searchTo) nothing decides before searchTo, where #verdict is.
  #searchFrom = -1;
  #searchTo = -1;
  #verdict: 'closing' | 'opening' | 'lineEnd' | undefined;
  #textUntil = -1;
  // What the field at hand falls back to: the first `""` before a delimiter or line end on its first
  // line, or, if it has a lone quote there, plain text.
  #pairAt = -1;
  #hasLone = false;

  constructor(marks: Marks) {
    this.#marks = marks;
    this.#spaces = marks.spaces;
    this.#class = quotedClasses(marks);
  }

  /** Other bytes from now on: what was learned about the old ones is void. */
  forget(): void {
    this.#deadFrom = this.#deadTo = this.#searchFrom = this.#searchTo = this.#textUntil = -1;
  }

  begin(window: Window): void {
    this.#window = window;
    this.firstLineEnd = -1;
  }

  /**
   * Returns the index of what follows the field (a delimiter, a line end, or the end), or a code.
   * `isSoft`: spaces precede the quote, so that it counts only if it closes on its own line.
   */
  read(open: number, isSoft: boolean): number {
    this.#pairAt = -1;
    this.#hasLone = false;
    this.literalFrom = open;
    const result = this.#scan(open, isSoft);
    const mayFallBack = result === literal || (result === unclosed && this.#window.isOneLine);
    if (!mayFallBack) return result;
    if (this.#pairAt < 0) return this.#hasLone ? literal : result;
    this.contentEnd = this.#pairAt + 1;
    this.flags |= stray;
    return this.#after(this.#pairAt + 2);
  }

  #scan(open: number, isSoft: boolean): number {
    const { bytes, stop } = this.#window;
    const classes = this.#class;
    let at = open + 1;
    let crossedAt = -1;
    this.flags = quoted;
    for (;;) {
      while (at < stop && classes[bytes[at] as number] === other) at += 1;
      if (at >= stop) return this.#ranOut({ isSoft, crossedAt, at });
      const kind = classes[bytes[at] as number];
      if (kind === escapeByte) {
        at += this.#escaped(at);
      } else if (kind === quoteByte) {
        const result = this.#quote(at, { open, crossedAt });
        if (result < 0) return this.#failed(result, { isSoft, crossedAt, at });
        if (result === at) return this.#after(at + 1);
        at = result;
      } else if (crossedAt >= 0) {
        at += 1;
      } else {
        crossedAt = at + 1;
        at = isSoft ? literal : this.#cross(at);
        if (at < 0) return at;
      }
    }
  }

  /** The first line end in the quotes: jumps over what is known to hold no closing quote. */
  #cross(lineEndAt: number): number {
    if (this.firstLineEnd < 0) this.firstLineEnd = lineEndAt;
    const at = lineEndAt + 1;
    if (at < this.#deadFrom || at > this.#deadTo) return at;
    return this.#isDeadEnd ? unclosed : this.#deadTo;
  }

  #escaped(at: number): number {
    const next = this.#window.bytes[at + 1];
    if (next !== 0x5c && next !== this.#marks.quote) return 1;
    this.flags |= decode;
    return 2;
  }

  /** A quote: returns its own index if it closes, the index to go on from if not, or a code. */
  #quote(at: number, field: { open: number; crossedAt: number }): number {
    const { crossedAt } = field;
    const { bytes, stop } = this.#window;
    if (at + 1 < stop && this.#marks.escape !== 'None' && bytes[at + 1] === bytes[at]) {
      this.flags |= decode;
      if (crossedAt < 0) this.#notePair(at, field.open);
      return at + 2;
    }
    const closes = this.#closes(at);
    if (closes === undefined) return edge;
    if (closes) {
      this.contentEnd = at;
      return at;
    }
    const isText = this.#loneIsText(at, field.open);
    if (isText === undefined) return edge;
    this.flags |= stray;
    if (crossedAt < 0) this.#noteLone(at, field.open);
    if (isText) return at + 1;
    return crossedAt >= 0 ? unclosed : literal;
  }

  #noteLone(at: number, open: number): void {
    this.#hasLone = true;
    if (this.literalFrom === open && !this.#opens(at, open)) this.literalFrom = at + 1;
  }

  /** A pair with delimiters on both sides is an empty field. */
  #notePair(at: number, open: number): void {
    if (this.#pairAt >= 0 || this.#closes(at + 1) !== true) return;
    if (!this.#opens(at + 1, open)) this.#pairAt = at;
  }

  /** Whether the quote at `at` closes; undefined if the bytes that tell are out of reach. */
  #closes(at: number): boolean | undefined {
    const next = this.#after(at + 1);
    const { bytes, stop, isLimited, isFinal } = this.#window;
    if (next >= stop) return isFinal && !isLimited ? true : undefined;
    const byte = bytes[next];
    return byte === this.#marks.delimiter || byte === LF || byte === CR;
  }

  #after(from: number): number {
    const { bytes, stop } = this.#window;
    let at = from;
    while (at < stop && this.#spaces[bytes[at] as number] === 1) at += 1;
    return at;
  }

  /**
   * Whether the run of quotes that ends at `at` stands where a field begins, other than `open`. One
   * with a space after it rather ends a clause: `"Hello," she said`.
   */
  #opens(at: number, open: number): boolean {
    const { bytes } = this.#window;
    if (this.#spaces[bytes[at + 1] as number] === 1) return false;
    let first = at;
    if (this.#marks.escape === 'Doubled') {
      while (first - 1 > open && bytes[first - 1] === bytes[at]) first -= 1;
    }
    // A field begins after all that belongs to the delimiter before it.
    const { padding, delimiter } = this.#marks;
    while (padding !== undefined && first - 1 > open && padding[bytes[first - 1] as number] === 1) {
      if (bytes[first - 1] === delimiter) return true;
      first -= 1;
    }
    const before = bytes[first - 1];
    return before === delimiter || before === LF || before === CR;
  }

  #loneIsText(at: number, open: number): boolean | undefined {
    if (this.#opens(at, open)) return false;
    if (at < this.#searchFrom || at >= this.#searchTo) {
      this.#searchFrom = at;
      this.#searchTo = at + 1;
      this.#verdict = undefined;
    }
    if (this.#verdict === undefined) this.#search();
    if (this.#verdict === undefined) return undefined;
    if (this.#verdict !== 'lineEnd') return this.#verdict === 'closing';
    if (at < this.#textUntil) return true;
    const { bytes } = this.#window;
    for (let next = at; next < this.#searchTo; next += 1) {
      if (bytes[next] === this.#marks.delimiter) return false;
    }
    this.#textUntil = this.#searchTo;
    return true;
  }

  /** Looks along the line for the quote that decides what the lone ones before it are. */
  #search(): void {
    const { bytes, stop, isLimited, isFinal } = this.#window;
    let at = this.#searchTo;
    for (;;) {
      while (at < stop && this.#class[bytes[at] as number] === other) at += 1;
      this.#searchTo = at;
      if (at >= stop) {
        if (isFinal && !isLimited) this.#verdict = 'lineEnd';
        return;
      }
      const kind = this.#class[bytes[at] as number];
      if (kind === lineEnd) {
        this.#verdict = 'lineEnd';
        return;
      }
      const step = kind === quoteByte ? this.#decides(at) : this.#escaped(at);
      if (step === 0) return;
      at += step;
    }
  }

  /** Sets the verdict and returns 0, or returns how many bytes to step over. */
  #decides(at: number): number {
    const { bytes, stop } = this.#window;
    const isPair = this.#marks.escape !== 'None' && bytes[at + 1] === bytes[at];
    if (isPair && at + 1 < stop) {
      if (this.#closes(at + 1) !== true) return 2;
      this.#verdict = 'closing';
      return 0;
    }
    const closes = this.#closes(at);
    if (closes === undefined) return 0;
    if (closes) this.#verdict = 'closing';
    else if (this.#opens(at, this.#searchFrom)) this.#verdict = 'opening';
    else return 1;
    return 0;
  }

  #failed(code: number, field: { isSoft: boolean; crossedAt: number; at: number }): number {
    if (code === edge) return this.#ranOut(field);
    if (code === unclosed) this.#bury(field, true);
    return code;
  }

  #ranOut(field: { isSoft: boolean; crossedAt: number; at: number }): number {
    const { isLimited, isFinal } = this.#window;
    if (!isLimited && !isFinal) return needMore;
    if (field.isSoft) return literal;
    this.#bury(field, !isLimited);
    return isLimited && this.firstLineEnd < 0 ? tooLong : unclosed;
  }

  #bury(field: { crossedAt: number; at: number }, isDeadEnd: boolean): void {
    if (field.crossedAt < 0) return;
    const extends_ = field.crossedAt >= this.#deadFrom && field.crossedAt <= this.#deadTo;
    if (!extends_) this.#deadFrom = field.crossedAt;
    this.#deadTo = field.at;
    this.#isDeadEnd = isDeadEnd;
  }
}
