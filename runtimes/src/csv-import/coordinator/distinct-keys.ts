/**
 * The verdict on keys under `onConflict: Fail`, on the whole source: how many records lost their key,
 * and the first three of them with the record that holds it. Places only, never a key.
 */
import { firstDuplicates, type Duplicate } from '../../chunks/duplicates.ts';
import type { LedgerTotals } from '../../chunks/totals.ts';
import type { Database } from '../../connectors/postgres/database.ts';
import { ImportFailed } from '../failed.ts';

export interface KeysContext {
  readonly db: Database;
  readonly uid: string;
  readonly config: { readonly target: { readonly onConflict: string } };
}

export async function requireDistinctKeys(
  { db, uid, config }: KeysContext,
  { superseded }: LedgerTotals,
): Promise<void> {
  if (config.target.onConflict !== 'Fail' || superseded === 0) return;
  const first = await firstDuplicates(db, uid);
  throw new ImportFailed(
    'DuplicateKeys',
    `Records whose key is held by another: ${superseded}. The first: ${first.map(inWords).join('; ')}. Correct the file, or choose LatestWins or FirstWins as target.onConflict, in a new import.`,
  );
}

function inWords({ lost, kept }: Duplicate): string {
  return kept === undefined
    ? `the record at byte ${lost} has a key that the table held before`
    : `the record at byte ${lost} has the key of the one at byte ${kept}`;
}
