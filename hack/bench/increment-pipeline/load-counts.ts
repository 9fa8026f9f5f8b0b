/** What became of the increments of one load, by the index of the key: 8 bytes a key. */
import type { Fate } from '../../load/tally.ts';

export interface LoadCounts {
  readonly accepted: Uint32Array;
  /** Nobody knows: they may be in the sums or not. */
  readonly unknown: Uint32Array;
}

export function noCounts(keys: number): LoadCounts {
  return { accepted: new Uint32Array(keys), unknown: new Uint32Array(keys) };
}

/** Nothing is known without an answer. */
export function count(
  counts: LoadCounts,
  indexes: Uint32Array | readonly number[],
  fate: Fate,
): void {
  if (fate === 'Refused') return;
  const kind = fate === 'Accepted' ? counts.accepted : counts.unknown;
  for (const index of indexes) kind[index] = (kind[index] ?? 0) + 1;
}
