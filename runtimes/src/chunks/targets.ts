/**
 * Who writes a table: at most one live import, in an order that positions depend on.
 *
 * The holder proves life by changing its beat. A taker must have seen one beat unchanged for a minute
 * of its own monotonic clock, since clocks of two hosts cannot be compared. Taking over marks the
 * loser Lost under its row lock, so that none of its transactions can commit later; and since the
 * taker gets a higher sequence number, a loser that comes back learns that it lost. An import that
 * once held the table takes it again only while nobody else has held it in between: otherwise its
 * counts would include rows that the other import replaced.
 */
import type { Sql } from '../connectors/postgres/database.ts';

export interface Holder {
  readonly uid: string;
  readonly beat: string;
  readonly name: string;
}

export type Acquisition =
  | { readonly outcome: 'Held'; readonly seq: number }
  | { readonly outcome: 'InUse'; readonly holder: Holder }
  /** Another import held the table since this one did. */
  | { readonly outcome: 'Lost' };

const lockSql = `
SELECT t.holder, t.beat::text AS beat, t.next_seq::text AS next_seq, h.state AS holder_state,
  h.namespace || '/' || h.name AS holder_name, i.seq::text AS seq
FROM millrace.targets t
JOIN millrace.imports i ON i.target = t.target_table AND i.uid = $1
LEFT JOIN millrace.imports h ON h.uid = t.holder
WHERE i.uid = $1
FOR UPDATE OF t`;

interface LockedTarget {
  readonly holder: string | null;
  readonly beat: string;
  readonly next_seq: string;
  readonly holder_state: string | null;
  readonly holder_name: string | null;
  readonly seq: string | null;
}

const takeSql = `
UPDATE millrace.targets t
SET holder = $1, beat = beat + 1, heartbeat_at = now(), next_seq = GREATEST(next_seq, $2::bigint + 1)
FROM millrace.imports i WHERE i.uid = $1 AND t.target_table = i.target`;
const numberSql = 'UPDATE millrace.imports SET seq = $2 WHERE uid = $1 AND seq IS NULL';

/** Positions have 20 bits for the sequence. */
const seqMax = 1_048_575;

/**
 * Takes the table for this import if it is free. `stale` is the holder whose beat the caller saw
 * unchanged for long enough; if it is still exactly that, it is fenced off.
 */
export async function acquireTarget(tx: Sql, uid: string, stale?: Holder): Promise<Acquisition> {
  const { rows } = await tx.query<LockedTarget>(lockSql, [uid]);
  const [target] = rows;
  if (target === undefined) return { outcome: 'Lost' };
  const holder = liveHolder(target, uid);
  if (holder !== undefined) {
    if (stale?.uid !== holder.uid || stale.beat !== holder.beat) {
      return { outcome: 'InUse', holder };
    }
    await fenceOff(tx, holder.uid);
  }
  const next = Number(target.next_seq);
  const seq = target.seq === null ? next : Number(target.seq);
  if (seq < next - 1 || seq > seqMax) return { outcome: 'Lost' };
  await tx.query(numberSql, [uid, seq]);
  await tx.query(takeSql, [uid, seq]);
  return { outcome: 'Held', seq };
}

function liveHolder(target: LockedTarget, uid: string): Holder | undefined {
  if (target.holder === null || target.holder === uid) return undefined;
  const isOver =
    target.holder_state === null || ['Complete', 'Failed', 'Lost'].includes(target.holder_state);
  if (isOver) return undefined;
  return { uid: target.holder, beat: target.beat, name: target.holder_name ?? target.holder };
}

const fenceSql = `
UPDATE millrace.imports
SET state = 'Lost', reason = 'TargetLost', ended_at = now(),
  message = 'Another import took the table while this one gave no sign of life. Create a new import.'
WHERE uid = $1 AND state NOT IN ('Complete', 'Failed', 'Lost')`;

async function fenceOff(tx: Sql, uid: string): Promise<void> {
  await tx.query('UPDATE millrace.plans SET stopping = true WHERE import = $1', [uid]);
  await tx.query(fenceSql, [uid]);
}

/** False when the table is no longer held by this import. */
export async function beatTarget(db: Sql, uid: string): Promise<boolean> {
  const { rowCount } = await db.query(
    'UPDATE millrace.targets SET beat = beat + 1, heartbeat_at = now() WHERE holder = $1',
    [uid],
  );
  return rowCount === 1;
}

export async function releaseTarget(db: Sql, uid: string): Promise<void> {
  await db.query('UPDATE millrace.targets SET holder = NULL WHERE holder = $1', [uid]);
}

/** Notes, in the transaction that makes it, that the table is Millrace's. */
export async function noteCreatedTable(tx: Sql, table: string): Promise<void> {
  await tx.query(
    'UPDATE millrace.targets SET created_oid = to_regclass(quote_ident($1))::oid WHERE target_table = $1',
    [table],
  );
}

/** Whether the table of this name is the one that Millrace made; not one that somebody made since. */
export async function ownTable(db: Sql, table: string): Promise<boolean> {
  const { rowCount } = await db.query(
    'SELECT FROM millrace.targets WHERE target_table = $1 AND created_oid = to_regclass(quote_ident($1))::oid',
    [table],
  );
  return rowCount === 1;
}

/** How many other imports the ledger knows of the table. */
export async function othersOf(
  db: Sql,
  { table, uid }: { readonly table: string; readonly uid: string },
): Promise<number> {
  const { rows } = await db.query<{ others: number }>(
    'SELECT count(*)::int AS others FROM millrace.imports WHERE target = $1 AND uid <> $2',
    [table, uid],
  );
  return rows[0]?.others ?? 0;
}
