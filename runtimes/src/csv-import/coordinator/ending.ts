/**
 * The verdict: counted again from the tables, judged on the whole file.
 *
 * Whether the import is Complete depends on the file and the limits only, not on the order in which
 * chunks arrived. The recount must agree with the ledger to the row; a difference is a bug, and the
 * import is not called Complete with it.
 */
import type { Database } from '../../connectors/postgres/database.ts';
import { changeState } from '../../chunks/imports.ts';
import { readPlan } from '../../chunks/plan.ts';
import { readReasons, readTotals, type LedgerTotals } from '../../chunks/totals.ts';
import { ImportFailed } from '../failed.ts';
import { hasSearchable } from '../load/sealing.ts';
import { requireDistinctKeys } from './distinct-keys.ts';
import type { LoadingContext } from './loading.ts';
import { tooManyRejects } from './reject-limits.ts';
import type { Recount } from '../load/sink-port.ts';

/** Throws ImportFailed unless everything agrees and is within the limits. */
export async function judge(context: LoadingContext): Promise<void> {
  const { db, uid, seq, sink, board, config, columns } = context;
  await changeState(db, uid, { from: ['Loading'], to: 'Verifying' });
  const totals = await readTotals(db, uid);
  board.counted(totals, await readPlan(db, uid), await readReasons(db, uid));
  const recount = await sink.recount(patient(db), { import: uid, seq });
  board.recounted(recount.loaded);
  requireAgreement(totals, recount);
  await context.source.checkThoroughly(context.pinned);
  await requireLimits(context, totals);
  await requireDistinctKeys(context, totals);
  const isSearched = config.serve.enabled || hasSearchable(config.columns);
  if (isSearched) await sink.buildIndexes(columns);
}

/** Counting a billion rows takes minutes. */
const recountTimeoutMs = 3_600_000;

/** The same database with time for statements that read whole tables. */
export function patient(db: Database): Database {
  return {
    ...db,
    query: (text, values) =>
      db.session((session) => session.query(text, values), {
        statementTimeoutMs: recountTimeoutMs,
      }),
  };
}

export function requireAgreement(totals: LedgerTotals, recount: Recount): void {
  const { read, superseded, rejected } = totals;
  if (recount.rejected === rejected && read === recount.loaded + superseded + rejected) return;
  throw new ImportFailed(
    'TotalsDisagree',
    `Counted again, the numbers disagree: read ${read}, loaded ${recount.loaded}, superseded ${superseded}, rejected ${rejected} in the ledger and ${recount.rejected} in the rejects table. If nobody else changed these tables, this is a bug of Millrace.`,
  );
}

async function requireLimits(context: LoadingContext, totals: LedgerTotals): Promise<void> {
  const { maxRows, maxPercent } = context.config.rejects;
  const { rejected, read } = totals;
  if (rejected > maxRows) {
    throw await tooManyRejects(context, `${rejected}, more than rejects.maxRows ${maxRows}`);
  }
  if (rejected * 100 > maxPercent * read) {
    throw await tooManyRejects(
      context,
      `${rejected} of ${read}, more than rejects.maxPercent ${maxPercent}`,
    );
  }
}
