/**
 * What the automaton reads: one byte a *unit*. For most files the units are the bytes of the file
 * themselves, and nothing is copied.
 *
 * Where a structural character takes several bytes, a copy stands for them. In UTF-16 each unit of
 * two bytes becomes one byte: its character if that is ASCII, else `other`. A delimiter or comment
 * character outside ASCII becomes one mark, followed by padding for its further units, and each
 * space that has another space beside it becomes a mark where wide spaces delimit. Only structure is
 * read from units; values are always taken from the bytes of the file.
 *
 * A unit depends on the bytes of its character and on its neighbours on the same line, so reading
 * may begin at any line; `unfinished` tells how many bytes at the end of a piece wait for the next.
 */

import type { Dialect } from './dialect.ts';
import { encodeText } from './encoding.ts';

const [other, commentMark, padding, delimiterMark] = [0x80, 0xfd, 0xfe, 0xff];
const space = 0x20;

/** The dialect as the automaton sees it: every character is one byte. */
export interface Marks {
  readonly delimiter: number;
  readonly quote: number | undefined;
  readonly comment: number | undefined;
  readonly escape: Dialect['escape'];
  /** Spaces that may surround a quoted field: a table by byte, with 1 for each that is one. */
  readonly spaces: Uint8Array;
  /** What belongs to the delimiter that it follows: a table, or undefined if nothing does. */
  readonly padding: Uint8Array | undefined;
  /** What is passed over at the start of a record: a table, or undefined if runs do not delimit. */
  readonly indent: Uint8Array | undefined;
  /** Whether a backslash before a delimiter outside of quotes makes it text. */
  readonly isDelimiterEscapable: boolean;
}

export interface Units {
  readonly marks: Marks;
  /** How many bytes of the file one unit stands for. */
  readonly size: 1 | 2;
  /** Whether units are the bytes themselves. */
  readonly areBytes: boolean;
  /** The units of `bytes`; half a unit at the end is one. */
  of(bytes: Buffer): Buffer;
  /** Bytes at the end whose units depend on what follows. */
  unfinished(bytes: Buffer): number;
}

/** How many units so many bytes are, for limits: at least one. */
export function unitCount({ size }: Units, bytes: number): number {
  return Math.max(1, Math.floor(bytes / size));
}

interface Replacement {
  readonly character: Buffer;
  readonly mark: number;
}

export function unitsOf(dialect: Dialect): Units {
  const size = sizeOf(dialect);
  const isWide = dialect.spacesMin === 2;
  const replaced = replacements(dialect);
  const areBytes = size === 1 && !isWide && replaced.length === 0;
  const marks = marksOf(dialect, areBytes);
  if (areBytes) return { marks, size, areBytes, of: (bytes) => bytes, unfinished: () => 0 };
  return {
    marks,
    size,
    areBytes,
    of: (bytes) => {
      const units = size === 2 ? narrow(bytes, dialect.encoding === 'UTF-16BE') : cleaned(bytes);
      for (const replacement of replaced) replace(units, bytes, { ...replacement, size });
      if (isWide) markWideSpaces(units);
      return units;
    },
    unfinished: (bytes) => {
      const half = bytes.length % size;
      const whole = bytes.subarray(0, bytes.length - half);
      const begun = replaced.map(({ character }) => begunBytes(whole, character, size));
      const spaces = isWide ? size * trailingSpaces(whole, dialect) : 0;
      return half + Math.max(spaces, ...begun);
    },
  };
}

function sizeOf({ encoding }: Dialect): 1 | 2 {
  return encoding === 'UTF-16LE' || encoding === 'UTF-16BE' ? 2 : 1;
}

/** Characters that are not one byte of their own number, with the mark that stands for each. */
function replacements(dialect: Dialect): Replacement[] {
  const found: Replacement[] = [];
  const { delimiter, comment } = dialect;
  if (needsMark(delimiter, dialect)) {
    found.push({ character: bytesOf(delimiter, dialect), mark: delimiterMark });
  }
  if (comment !== undefined && needsMark(comment, dialect)) {
    found.push({ character: bytesOf(comment, dialect), mark: commentMark });
  }
  return found.filter(({ character }) => character.length > 0);
}

function needsMark(character: number, dialect: Dialect): boolean {
  return character >= 0x80 && bytesOf(character, dialect).length !== 1;
}

/** Empty if the encoding lacks the character: then the file cannot hold it either. */
function bytesOf(character: number, { encoding }: Dialect): Buffer {
  return encodeText(String.fromCodePoint(character), encoding) ?? Buffer.alloc(0);
}

function marksOf(dialect: Dialect, areBytes: boolean): Marks {
  const { quote, comment, escape, padded, spacesMin } = dialect;
  const isWide = spacesMin === 2;
  const delimiter = isWide ? delimiterMark : markOf(dialect.delimiter, dialect, delimiterMark);
  const spaces = new Uint8Array(256);
  spaces[space] = 1;
  spaces[0x09] = 1;
  spaces[delimiter] = 0;
  const after = padded === true ? Uint8Array.from(spaces) : new Uint8Array(256);
  if (!areBytes) after[padding] = 1;
  if (spacesMin !== undefined) after[delimiter] = 1;
  const indent = new Uint8Array(256);
  indent[space] = indent[delimiter] = 1;
  return {
    delimiter,
    quote,
    comment: comment === undefined ? undefined : markOf(comment, dialect, commentMark),
    escape,
    spaces,
    padding: after.includes(1) ? after : undefined,
    indent: spacesMin === undefined ? undefined : indent,
    isDelimiterEscapable: !isWide,
  };
}

function markOf(character: number, dialect: Dialect, mark: number): number {
  if (character < 0x80) return character;
  return needsMark(character, dialect) ? mark : (bytesOf(character, dialect)[0] ?? mark);
}

/** A copy in which no byte looks like a mark. */
function cleaned(bytes: Buffer): Buffer {
  const units = Buffer.from(bytes);
  for (const mark of [commentMark, padding, delimiterMark]) {
    for (let at = units.indexOf(mark); at >= 0; at = units.indexOf(mark, at + 1)) units[at] = other;
  }
  return units;
}

function narrow(bytes: Buffer, isBigEndian: boolean): Buffer {
  const units = Buffer.allocUnsafe(Math.ceil(bytes.length / 2));
  const [high, low] = isBigEndian ? [0, 1] : [1, 0];
  const whole = bytes.length >> 1;
  for (let unit = 0; unit < whole; unit += 1) {
    const byte = bytes[2 * unit + low] as number;
    units[unit] = bytes[2 * unit + high] === 0 && byte < 0x80 ? byte : other;
  }
  if (whole < units.length) units[whole] = other;
  return units;
}

function replace(units: Buffer, bytes: Buffer, it: Replacement & { readonly size: number }): void {
  const { character, mark, size } = it;
  for (let at = bytes.indexOf(character); at >= 0;) {
    const isWhole = at % size === 0;
    if (isWhole) {
      const unit = at / size;
      units.fill(padding, unit, unit + character.length / size);
      units[unit] = mark;
    }
    at = bytes.indexOf(character, at + (isWhole ? character.length : 1));
  }
}

function markWideSpaces(units: Buffer): void {
  for (let at = units.indexOf('  '); at >= 0; at = units.indexOf('  ', at)) {
    while (units[at] === space) {
      units[at] = delimiterMark;
      at += 1;
    }
  }
}

/** Two spaces at the end tell the next piece that it begins inside of a run. */
function trailingSpaces(bytes: Buffer, dialect: Dialect): 0 | 1 | 2 {
  const one = bytesOf(space, dialect);
  const isSpace = (from: number): boolean =>
    from >= 0 && bytes.subarray(from, from + one.length).equals(one);
  if (!isSpace(bytes.length - one.length)) return 0;
  return isSpace(bytes.length - 2 * one.length) ? 2 : 1;
}

/** How many bytes at the end may be the beginning of this character. */
function begunBytes(bytes: Buffer, character: Buffer, size: number): number {
  for (let count = character.length - size; count > 0; count -= size) {
    const start = character.subarray(0, count);
    if (count <= bytes.length && bytes.subarray(bytes.length - count).equals(start)) return count;
  }
  return 0;
}
