/** Which records of a chunk lost their key to another of the same chunk. */
import { duplicatesNoted, type Duplicate } from '../../chunks/duplicates.ts';
import type { KeyOrder } from '../../rows/key-index.ts';
import type { RefusedRow } from './bisect.ts';

export interface ChunkRows {
  /** Where in the source the row's record begins. */
  readonly offsetOf: (row: number) => number;
}

/**
 * Of each key the first record that was not refused stands for it; the others lost to that one. At
 * most as many as a verdict names are kept at any time: a chunk may hold one key a million times.
 */
export function duplicatesInChunk(
  { rows, repeats }: KeyOrder,
  refused: readonly RefusedRow[],
  { offsetOf }: ChunkRows,
): readonly Duplicate[] {
  const isRefused = new Set(refused.map(({ row }) => row));
  const lowest: Duplicate[] = [];
  let kept: number | undefined;
  for (let at = 0; at < rows.length; at += 1) {
    if (repeats[at] !== 1) kept = undefined;
    const row = rows[at] as number;
    if (isRefused.has(row)) continue;
    if (kept === undefined) kept = row;
    else keepLowest(lowest, { lost: offsetOf(row), kept: offsetOf(kept) });
  }
  return lowest;
}

function keepLowest(lowest: Duplicate[], found: Duplicate): void {
  const last = lowest.at(-1);
  if (lowest.length === duplicatesNoted && last !== undefined && last.lost < found.lost) return;
  const before = lowest.findIndex(({ lost }) => lost > found.lost);
  lowest.splice(before === -1 ? lowest.length : before, 0, found);
  lowest.length = Math.min(lowest.length, duplicatesNoted);
}
