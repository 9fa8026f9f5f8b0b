/**
 * Takes away what an import leaves behind, after it was deleted with `deletionPolicy: Purge`; its
 * coordinator, workers and gateways are gone by then.
 *
 * Queues, the import's rows, its rejects, its part of the ledger, and the table with the last import
 * that loaded it. A table that Millrace did not make, or did before it noted so, keeps every row: which
 * values the import replaced nobody knows any more. The import is fenced off before any row goes, so
 * that no worker out of reach and no replay adds another. Every step may be repeated, and the ledger
 * goes last, because it says what there is to take away: with the table that nobody else needs, and once
 * cached rows are stale, so that nobody is served a row that is gone. The number of the next import of a
 * table stays in it: positions must never repeat.
 */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { Permanent } from '@millrace/kit/permanent';
import { Transient } from '@millrace/kit/transient';
import { changeState, readImport, setStopping } from '../../chunks/imports.ts';
import { readQueueNumber } from '../../chunks/queue-number.ts';
import { othersOf, ownTable } from '../../chunks/targets.ts';
import type { Database, Sql } from '../../connectors/postgres/database.ts';
import { sqlIdentifier } from '../../connectors/postgres/identifier.ts';
import type { AmqpLink } from '../../connectors/rabbitmq/link.ts';
import { deadLetterName } from '../../connectors/rabbitmq/queue.ts';
import { basePosition } from '../../rows/row-encoder.ts';
import { rejectsTable } from '../load/rejects.ts';
import { positionColumn } from '../load/target.ts';
import { queueName } from '../messages.ts';

export interface JanitorOptions {
  readonly config: Pick<CsvImportPodConfig, 'import' | 'target' | 'deletionPolicy'>;
  readonly owner: Database;
  readonly link: Pick<AmqpLink, 'ask'>;
  /** Brings the ledger's tables up to date, where there is a ledger. */
  migrate(): Promise<void>;
  /** Absent where nothing is cached. */
  readonly bumpCache?: () => Promise<void>;
}

/** The last words of the Job. */
export interface JanitorReport {
  readonly outcome: 'Purged';
  readonly queues: number;
  readonly rowsDeleted: number;
  readonly tableDropped: boolean;
  /** Why rows of the import stay; absent where none do. */
  readonly kept?: 'NotOurTable';
}

type Purged = Pick<JanitorReport, 'rowsDeleted' | 'tableDropped' | 'kept'>;

export async function cleanUp(options: JanitorOptions): Promise<JanitorReport> {
  const { config, owner } = options;
  if (config.deletionPolicy !== 'Purge') {
    throw new Permanent('NothingToPurge', 'The deletion policy is not Purge: everything stays.');
  }
  const isKnown = await hasLedger(owner);
  if (isKnown) await options.migrate();
  const queues = await removeQueues(options, isKnown);
  const purged = isKnown ? await purge(options) : nothingPurged;
  return { outcome: 'Purged', queues, ...purged };
}

const nothingPurged: Purged = { rowsDeleted: 0, tableDropped: false };

async function hasLedger(owner: Sql): Promise<boolean> {
  const { rows } = await owner.query<{ found: boolean }>(
    `SELECT to_regclass('millrace.imports') IS NOT NULL AS found`,
  );
  return rows[0]?.found === true;
}

/** With their dead letters: whoever purges wants nothing to look at. */
async function removeQueues({ config, owner, link }: JanitorOptions, isKnown: boolean) {
  const { uid } = config.import;
  const last = isKnown ? await readQueueNumber(owner, uid) : 1;
  await link.ask('Removing the chunk queues', async (channel) => {
    for (let number = 1; number <= last; number += 1) {
      await channel.deleteQueue(queueName(uid, number));
      await channel.deleteQueue(deadLetterName(queueName(uid, number)));
    }
  });
  return last;
}

/** A table may hold a billion rows. */
const statementTimeoutMs = 3_600_000;

async function purge({ config, owner, bumpCache }: JanitorOptions): Promise<Purged> {
  const { uid } = config.import;
  const it = await readImport(owner, uid);
  if (it === undefined) return nothingPurged;
  await fenceOff(owner, uid);
  const { target: table, seq } = it;
  const isShared = (await othersOf(owner, { table, uid })) > 0;
  const isOwn = await ownTable(owner, table);
  const isKept = seq !== undefined && !isOwn && (await exists(owner, table));
  // Outside of the transaction at the end: it may take long, and others of the table go on meanwhile.
  const rowsDeleted =
    isShared && isOwn && seq !== undefined ? await deleteRows(owner, table, seq) : 0;
  if (isShared) await deleteRejects(owner, table, uid);
  await bumpCache?.();
  const tableDropped = await dropLast(owner, { table, uid, isShared });
  return { rowsDeleted, tableDropped, ...(isKept ? { kept: 'NotOurTable' } : {}) };
}

/** Waits for claims and replays in progress; those that come later find the import lost. */
async function fenceOff(owner: Database, uid: string): Promise<void> {
  await setStopping(owner, uid, true);
  await changeState(owner, uid, {
    from: ['Planning', 'Loading', 'Verifying', 'Complete', 'Failed'],
    to: 'Lost',
    reason: 'TargetLost',
    message: 'The import is purged.',
  });
}

async function exists(owner: Sql, table: string): Promise<boolean> {
  const { rowCount } = await owner.query('SELECT WHERE to_regclass($1) IS NOT NULL', [
    sqlIdentifier(table),
  ]);
  return rowCount === 1;
}

async function deleteRows(owner: Database, table: string, seq: number): Promise<number> {
  const position = sqlIdentifier(positionColumn);
  const sql = `DELETE FROM ${sqlIdentifier(table)}
    WHERE ${position} >= ${basePosition(seq)} AND ${position} < ${basePosition(seq + 1)}`;
  return await owner.session(async (session) => (await session.query(sql)).rowCount, {
    statementTimeoutMs,
  });
}

async function deleteRejects(owner: Database, table: string, uid: string): Promise<void> {
  const rejects = rejectsTable(table);
  if (!(await exists(owner, rejects))) return;
  await owner.session(
    (session) => session.query(`DELETE FROM ${sqlIdentifier(rejects)} WHERE import = $1`, [uid]),
    { statementTimeoutMs },
  );
}

/**
 * The import's part of the ledger, and with it the tables that no other import needs. Under the lock
 * of the target's row, which an import that registers waits for: it then makes the table anew.
 */
async function dropLast(
  owner: Database,
  it: { readonly table: string; readonly uid: string; readonly isShared: boolean },
): Promise<boolean> {
  const { table, uid, isShared } = it;
  return await owner.transaction(
    async (tx) => {
      await tx.query('SELECT FROM millrace.targets WHERE target_table = $1 FOR UPDATE', [table]);
      const isLast = (await othersOf(tx, it)) === 0;
      if (!isLast && !isShared) {
        throw new Transient('TargetShared', `Another import of the table ${table} has come.`);
      }
      const isDropped = isLast && (await ownTable(tx, table));
      if (isDropped) await tx.query(`DROP TABLE ${sqlIdentifier(table)}`);
      if (isLast) await tx.query(`DROP TABLE IF EXISTS ${sqlIdentifier(rejectsTable(table))}`);
      await tx.query('UPDATE millrace.targets SET holder = NULL WHERE holder = $1', [uid]);
      if (isDropped) {
        await tx.query('UPDATE millrace.targets SET created_oid = NULL WHERE target_table = $1', [
          table,
        ]);
      }
      await tx.query('DELETE FROM millrace.imports WHERE uid = $1', [uid]);
      return isDropped;
    },
    { statementTimeoutMs },
  );
}
