/**
 * Waits until this import may write its table.
 *
 * Another live import holds it: wait, showing TargetInUse and who. A holder that gives no sign of
 * life is fenced off, but only after its beat was seen unchanged for a minute of this process's own
 * monotonic clock, with no gap between looks: a gap may have hidden a beat of ours that we could not
 * read, such as while Postgres was away for both of us.
 */
import type { Clock } from '@millrace/kit/clock';
import { acquireTarget, type Holder } from '../../chunks/targets.ts';
import type { Database, Sql } from '../../connectors/postgres/database.ts';
import { ImportFailed } from '../failed.ts';

export interface TurnOptions {
  readonly db: Database;
  readonly uid: string;
  readonly table: string;
  readonly clock: Clock;
  readonly staleAfterMs?: number;
  waiting(holder: Holder): void;
  /** Runs in the transaction that takes the table, so that nobody sees it held by an ended import. */
  held(tx: Sql): Promise<void>;
}

/** The holder beats every second; a minute survives a restart of it, and no person waits for hours. */
export const staleAfterMsDefault = 60_000;
const lookEveryMs = 1_000;
const gapMaxMs = 10_000;

interface Watch {
  readonly holder: Holder;
  readonly sinceMs: number;
  readonly lastMs: number;
}

/** This import's sequence number, or undefined when the signal aborted first. */
export async function awaitTurn(
  options: TurnOptions,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { db, uid, clock, table } = options;
  const staleAfterMs = options.staleAfterMs ?? staleAfterMsDefault;
  let watch: Watch | undefined;
  while (!signal.aborted) {
    const stale =
      watch !== undefined && watch.lastMs - watch.sinceMs >= staleAfterMs
        ? watch.holder
        : undefined;
    const turn = await db.transaction(async (tx) => {
      const acquired = await acquireTarget(tx, uid, stale);
      if (acquired.outcome === 'Held') await options.held(tx);
      return acquired;
    });
    if (turn.outcome === 'Held') return turn.seq;
    if (turn.outcome === 'Lost') {
      throw new ImportFailed(
        'TargetLost',
        `Another import has loaded the table ${table} since this one last did. Create a new import.`,
      );
    }
    watch = look(watch, turn.holder, clock.monotonic());
    options.waiting(turn.holder);
    await clock.sleep(lookEveryMs, signal);
  }
  return undefined;
}

function look(before: Watch | undefined, holder: Holder, nowMs: number): Watch {
  const isSame =
    before !== undefined &&
    before.holder.uid === holder.uid &&
    before.holder.beat === holder.beat &&
    nowMs - before.lastMs <= gapMaxMs;
  return { holder, sinceMs: isSame ? before.sinceMs : nowMs, lastMs: nowMs };
}
