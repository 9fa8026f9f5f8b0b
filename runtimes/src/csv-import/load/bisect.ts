/**
 * Finds the rows that the server refuses and loads all others.
 *
 * A set of rows is loaded in a savepoint; if the server refuses a value or a constraint, its halves
 * are loaded apart, down to single rows, which are rejected. When the refused row had won its key in
 * this chunk, the next record of that key takes its place, so that what loads does not depend on how
 * the chunk was cut while searching.
 */
import { lowestDuplicates } from '../../chunks/duplicates.ts';
import { DataError } from '../../connectors/postgres/data-error.ts';
import type { KeyOrder } from '../../rows/key-index.ts';
import type { RejectReason } from '../../rows/reject-reason.ts';
import type { OnConflict, Stored } from './merge.ts';

export interface RefusedRow {
  readonly row: number;
  readonly reason: RejectReason;
  readonly column?: string;
  readonly detail: string;
}

export interface Settled extends Stored {
  readonly refused: readonly RefusedRow[];
}

/** Loads exactly these rows or throws; a DataError leaves the transaction usable. */
export type LoadRows = (rows: Uint32Array) => Promise<Stored>;

/** An index entry that does not fit a page: the key is too large. */
const limitExceeded = '54000';
const outOfRangeStates: ReadonlySet<string> = new Set(['22003', '22008']);

export function refusalOf(error: DataError): Omit<RefusedRow, 'row'> {
  const column = error.column === undefined ? {} : { column: error.column };
  const detail = error.constraint ?? error.sqlstate;
  if (error.sqlstate.startsWith('23')) return { reason: 'Constraint', detail, ...column };
  if (error.sqlstate === limitExceeded) return { reason: 'KeyTooLarge', detail, ...column };
  const reason = outOfRangeStates.has(error.sqlstate) ? 'OutOfRange' : 'Refused';
  return { reason, detail, ...column };
}

export const nothingStored: Stored = { inserted: 0, takenOver: 0, duplicates: [] };

/** Both together, with the lowest of their duplicates. */
export function bothStored(one: Stored, other: Stored): Stored {
  const duplicates = [...(one.duplicates ?? []), ...(other.duplicates ?? [])];
  return {
    inserted: one.inserted + other.inserted,
    takenOver: one.takenOver + other.takenOver,
    duplicates: lowestDuplicates(duplicates),
  };
}

export async function bisect(rows: Uint32Array, load: LoadRows): Promise<Settled> {
  const total = { ...nothingStored, refused: [] as RefusedRow[] };
  const waiting: Uint32Array[] = [rows];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (next.length === 0) continue;
    try {
      Object.assign(total, bothStored(total, await load(next)));
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      const middle = next.length >> 1;
      if (middle === 0) total.refused.push({ row: next[0] as number, ...refusalOf(error) });
      // The lower half is taken next, so rows go on in key order.
      else waiting.push(next.subarray(middle), next.subarray(0, middle));
    }
  }
  return total;
}

/** The records that stand next in line for the keys of refused rows. */
export function runnersUp(
  order: KeyOrder,
  refused: readonly RefusedRow[],
  onConflict: OnConflict,
): Uint32Array {
  const step = onConflict === 'LatestWins' ? -1 : 1;
  const isRefused = new Set(refused.map((refusal) => refusal.row));
  const next: number[] = [];
  for (let at = 0; at < order.rows.length; at += 1) {
    if (!isRefused.has(order.rows[at] as number)) continue;
    // Between neighbours of one key, the later in order carries the mark.
    const mark = step === -1 ? order.repeats[at] : order.repeats[at + 1];
    if (mark === 1) next.push(order.rows[at + step] as number);
  }
  return Uint32Array.from(next);
}

/**
 * Per key the row that wins: the last of its group for LatestWins, the first for FirstWins. They are in the
 * room of the order.
 */
export function winners(order: KeyOrder, onConflict: OnConflict): Uint32Array {
  const { rows, repeats, duplicates, room: won } = order;
  if (duplicates === 0) return rows;
  let count = 0;
  for (let at = 0; at < rows.length; at += 1) {
    const loses = onConflict === 'LatestWins' ? repeats[at + 1] === 1 : repeats[at] === 1;
    if (loses) continue;
    won[count] = rows[at] as number;
    count += 1;
  }
  return won.subarray(0, count);
}
