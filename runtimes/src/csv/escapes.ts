/**
 * Which two characters of a field stand for their second. These are the pairs that the automaton
 * passes over when it looks for a field's end; here they are undone.
 */

import type { Dialect } from './dialect.ts';
import { CR, LF } from './line-end.ts';

const backslash = 0x5c;

export function isQuotedPair(first: number, second: number, dialect: Dialect): boolean {
  const { quote, escape } = dialect;
  if (first === quote) return escape !== 'None' && second === quote;
  return first === backslash && escape === 'Backslash' && isAlways(second, quote);
}

export function isPlainPair(first: number, second: number, dialect: Dialect): boolean {
  if (first !== backslash || dialect.escape !== 'Backslash') return false;
  const { quote, delimiter, spacesMin } = dialect;
  if (isAlways(second, quote)) return true;
  // One space of two says nothing about the other, so neither is protected.
  if (second === delimiter) return spacesMin !== 2;
  return quote === undefined && (second === LF || second === CR);
}

function isAlways(second: number, quote: number | undefined): boolean {
  return second === backslash || second === quote;
}
