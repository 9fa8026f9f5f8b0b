import type { Dialect } from './dialect.ts';

export const LF = 0x0a;
export const CR = 0x0d;

/** The index of the first CR or LF at or after `from`, or `end`. */
export function endOfLine(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && bytes[at] !== LF && bytes[at] !== CR) at += 1;
  return at;
}

/** A table of the bytes that may surround a quoted field: space and tab, unless they delimit. */
export function spacesOf(dialect: Pick<Dialect, 'delimiter'>): Uint8Array {
  const spaces = new Uint8Array(256);
  spaces[0x20] = 1;
  spaces[0x09] = 1;
  spaces[dialect.delimiter] = 0;
  return spaces;
}
