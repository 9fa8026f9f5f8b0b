/**
 * One coordinator of an import at a time, by an advisory lock on a session of its own.
 *
 * The lock saves work; it is not what keeps the ledger right: every step is safe when two run, and
 * the lock goes with its session when the connection breaks.
 */
import type { Clock } from '@millrace/kit/clock';
import type { Session } from '../../connectors/postgres/database.ts';

const retryMs = 1_000;

export interface LockOptions {
  readonly uid: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  waiting(): void;
}

const lockSql =
  "SELECT pg_try_advisory_lock(hashtextextended('millrace.csv-import/' || $1, 0)) AS held";

/** True once this session holds the lock; false when the signal aborted first. */
export async function holdLock(session: Session, options: LockOptions): Promise<boolean> {
  while (!options.signal.aborted) {
    const { rows } = await session.query<{ held: boolean }>(lockSql, [options.uid]);
    if (rows[0]?.held === true) return true;
    options.waiting();
    await options.clock.sleep(retryMs, options.signal);
  }
  return false;
}
