/** What the ledger says of an import, for a board of somebody who has not watched it load. */
import type { ImportRow } from '../../chunks/imports.ts';
import { readPlan } from '../../chunks/plan.ts';
import { readReasons, readTotals } from '../../chunks/totals.ts';
import type { Sql } from '../../connectors/postgres/database.ts';
import type { Dialect } from '../../csv/dialect.ts';
import type { ColumnPlan } from '../load/sink-port.ts';
import type { SourceIdentity } from '../source/source.ts';
import type { PinnedHeader } from '../worker/chunk-work.ts';
import type { ProgressBoard } from './progress-board.ts';

/** Counts, and what is pinned if it has got so far. */
export async function showLedger(board: ProgressBoard, db: Sql, it: ImportRow): Promise<void> {
  const { uid } = it;
  board.counted(await readTotals(db, uid), await readPlan(db, uid), await readReasons(db, uid));
  if (it.dialect === undefined) return;
  const header = it.header as PinnedHeader;
  board.pinned({
    source: it.source as SourceIdentity,
    headBytes: header.dataStart,
    chunkBytes: it.chunkBytes,
    dialect: it.dialect as Dialect,
    findings: header.findings,
    ignored: (it.columns as ColumnPlan).ignored,
  });
}
