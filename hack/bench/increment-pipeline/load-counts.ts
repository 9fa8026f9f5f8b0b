/** What became of the increments of one load, by the index of the key: 8 bytes a key. */

export interface LoadCounts {
  readonly accepted: Uint32Array;
  /** Neither answered with 200 nor refused by a 4xx: they may be in the sums or not. */
  readonly unknown: Uint32Array;
}

export function noCounts(keys: number): LoadCounts {
  return { accepted: new Uint32Array(keys), unknown: new Uint32Array(keys) };
}

const accepted = 200;

export function count(
  counts: LoadCounts,
  indexes: Uint32Array | readonly number[],
  status: number | undefined,
): void {
  if (status !== undefined && status >= 400 && status < 500) return;
  const kind = status === accepted ? counts.accepted : counts.unknown;
  for (const index of indexes) kind[index] = (kind[index] ?? 0) + 1;
}
