/**
 * Finds the items that would take a sum beyond what a bigint holds.
 *
 * The rows that could be concerned are locked and read; then the items of their keys are added one by
 * one in the order of the stream. An item that does not fit is left out, a smaller one after it may
 * fit again: as much as possible is added, and the same whoever does it.
 */
import type { Sql } from '../../connectors/postgres/database.ts';
import { sqlIdentifier } from '../../connectors/postgres/identifier.ts';
import { itemBytes, keyBytes } from '../stream/entry.ts';
import { sumsWithout, type Exclusions, type TakenEntry } from './batch.ts';
import { sumArrays } from './binary-array.ts';

const sumMax = 2n ** 63n - 1n;

/** Items that do not fit, by the place of their entry; `excluded` is left out from the beginning. */
export async function findOverflows(
  tx: Sql,
  table: string,
  { entries, excluded }: { readonly entries: readonly TakenEntry[]; readonly excluded: Exclusions },
): Promise<ReadonlyMap<number, ReadonlySet<number>>> {
  const sums = sumsWithout(entries, excluded);
  const { keys, values } = sumArrays(sums);
  const { rows } = await tx.query<{ key: string; value: string }>(
    `SELECT t.key, t.value FROM unnest($1::uuid[], $2::bigint[]) AS new (key, value)
     JOIN ${sqlIdentifier(table)} AS t USING (key)
     WHERE t.value > ${sumMax} - new.value ORDER BY t.key FOR UPDATE OF t`,
    [keys, values],
  );
  const running = new Map<string, bigint>(
    rows.map(({ key, value }) => [
      Buffer.from(key.replaceAll('-', ''), 'hex').toString('latin1'),
      BigInt(value),
    ]),
  );
  // Keys that pass the bound by this batch alone may have no row yet.
  for (const key of sums.overflowing()) if (!running.has(key)) running.set(key, 0n);
  return culprits(entries, excluded, running);
}

function culprits(
  entries: readonly TakenEntry[],
  excluded: Exclusions,
  running: Map<string, bigint>,
): ReadonlyMap<number, ReadonlySet<number>> {
  const found = new Map<number, Set<number>>();
  for (const [place, { items }] of entries.entries()) {
    if (excluded.get(place) === 'All') continue;
    for (let at = 0; at < items.length; at += itemBytes) {
      const key = items.toString('latin1', at, at + keyBytes);
      const before = running.get(key);
      if (before === undefined) continue;
      const after = before + items.readBigUInt64BE(at + keyBytes);
      if (after <= sumMax) running.set(key, after);
      else found.set(place, (found.get(place) ?? new Set()).add(at));
    }
  }
  return found;
}
