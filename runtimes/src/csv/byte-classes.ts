/** Tables by byte: what each means to the automaton in one of its states; 0 is nothing. */

import { CR, LF } from './line-end.ts';
import type { Marks } from './units.ts';

/** Classes inside of quotes. */
export const [other, lineEnd, quoteByte, escapeByte] = [0, 1, 2, 3] as const;

const backslash = 0x5c;

export function quotedClasses({ escape, quote }: Marks): Uint8Array {
  const classes = new Uint8Array(256);
  classes[LF] = lineEnd;
  classes[CR] = lineEnd;
  if (escape === 'Backslash') classes[backslash] = escapeByte;
  if (quote !== undefined) classes[quote] = quoteByte;
  return classes;
}

/** Outside of quotes: 1 ends the field, 2 may protect what does. */
export function plainClasses({ delimiter, escape }: Marks): Uint8Array {
  const classes = new Uint8Array(256);
  classes[delimiter] = 1;
  classes[LF] = 1;
  classes[CR] = 1;
  if (escape === 'Backslash') classes[backslash] = 2;
  return classes;
}

/** Where a field begins: 1 if it may be a quoted one. */
export function openings({ quote, spaces }: Marks): Uint8Array {
  if (quote === undefined) return new Uint8Array(256);
  const table = Uint8Array.from(spaces);
  table[quote] = 1;
  return table;
}
