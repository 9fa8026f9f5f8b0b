/**
 * Blind indexes: equal values of one column give equal bytes, from which nobody without the key learns
 * a value or even guesses one. They are what a searchable column is searched by.
 *
 * A value is looked for under every key of the ring, because during a rotation rows of both are there.
 */
import type { KeyRing, SealingKey } from './key-ring.ts';
import { hmac, macBytes } from './primitives.ts';

export const blindIndexBytes = macBytes;

/** Where the index of a searchable column is. */
export function blindIndexColumn(column: string): string {
  return `${column}_bidx`;
}

/** `place` is that of the column, so that equal values of two columns do not look equal. */
export function blindIndex({ index }: SealingKey, place: Uint8Array, plain: Uint8Array): Buffer {
  return hmac(index, place, plain);
}

export function blindIndexes(ring: KeyRing, place: Uint8Array, plain: Uint8Array): Buffer[] {
  return ring.keys.map((key) => blindIndex(key, place, plain));
}
