/**
 * Cleans up after a pipeline that was deleted; gateways and workers are gone by then.
 *
 * Retain keeps the sums, and dead letters that wait to be replayed with the rows they need; it begins
 * only when every increment in the streams is committed. Purge drops all of it, and the table if
 * Millrace made it, unless another pipeline adds to it, which then inherits it. Every step may be
 * repeated: Redis first, since the ledger says that there is something to clean up.
 */
import type { IncrementPipelinePodConfig } from '@millrace/crds/increment-pipeline';
import { Transient } from '@millrace/kit/transient';
import type { Database, Sql } from '../../connectors/postgres/database.ts';
import { sqlIdentifier } from '../../connectors/postgres/identifier.ts';
import type { RedisCommands } from '../../connectors/redis/link.ts';
import { readPartitions } from '../ledger/partitions.ts';
import { readEntries } from '../stream/reader.ts';

export interface JanitorOptions {
  readonly config: IncrementPipelinePodConfig;
  readonly owner: Database;
  readonly link: RedisCommands;
}

/** The last words of the Job. */
export interface JanitorReport {
  readonly outcome: 'Retained' | 'Purged';
  /** Keys deleted in Redis. */
  readonly keys: number;
  readonly tableDropped: boolean;
  /** Dead letters that still wait to be replayed. */
  readonly deadLetters: number;
}

export async function cleanUp(options: JanitorOptions): Promise<JanitorReport> {
  const { config, owner, link } = options;
  const { uid } = config.resource;
  const isPurge = config.deletionPolicy === 'Purge';
  const isKnown = await hasLedger(owner);
  if (isKnown && !isPurge) await requireCommitted(options);
  const keys = await deleteKeys(link, uid);
  if (!isKnown) return { outcome: words(isPurge), keys, tableDropped: false, deadLetters: 0 };
  const left = isPurge ? await purge(owner, uid) : await retain(owner, uid);
  await deleteRequests(owner, uid);
  return { outcome: words(isPurge), keys, ...left };
}

function words(isPurge: boolean): JanitorReport['outcome'] {
  return isPurge ? 'Purged' : 'Retained';
}

async function hasLedger(owner: Sql): Promise<boolean> {
  const { rows } = await owner.query<{ found: boolean }>(
    `SELECT to_regclass('millrace.increment_pipelines') IS NOT NULL AS found`,
  );
  return rows[0]?.found === true;
}

async function requireCommitted({ config, owner, link }: JanitorOptions): Promise<void> {
  const { uid } = config.resource;
  const waiting: number[] = [];
  for (const { partition, incarnation, lastId } of await readPartitions(owner, uid)) {
    const place = { uid, partition, incarnation, after: lastId };
    const found = await readEntries(link, { ...place, entriesMax: 1, bytesMax: 1 });
    if (found.length > 0) waiting.push(partition);
  }
  if (waiting.length === 0) return;
  throw new Transient(
    'NotCommitted',
    `Increments of ${String(waiting.length)} partitions are not in the table yet: workers must run until they are, or set deletionPolicy to Purge.`,
  );
}

const scanCount = 1_000;

/** All keys of a pipeline share a prefix; the server looks at every key it has, a thousand at a time. */
async function deleteKeys(link: RedisCommands, uid: string): Promise<number> {
  let deleted = 0;
  let cursor = '0';
  do {
    const args = ['SCAN', cursor, 'MATCH', `millrace:{${uid}}:*`, 'COUNT', scanCount];
    const reply = (await link.call('Looking for keys', args)) as readonly [Buffer, Buffer[]];
    const [next, keys] = reply;
    if (keys.length > 0) deleted += Number(await link.call('Deleting keys', ['UNLINK', ...keys]));
    cursor = next.toString('latin1');
  } while (cursor !== '0');
  return deleted;
}

type Left = Pick<JanitorReport, 'tableDropped' | 'deadLetters'>;

async function retain(owner: Database, uid: string): Promise<Left> {
  return await owner.transaction(async (tx) => {
    const { rows } = await tx.query<{ waiting: number }>(
      `SELECT count(*)::int AS waiting FROM millrace.increment_dead_letters
       WHERE pipeline = $1 AND replayed_at IS NULL`,
      [uid],
    );
    const deadLetters = rows[0]?.waiting ?? 0;
    if (deadLetters === 0) {
      await tx.query('DELETE FROM millrace.increment_pipelines WHERE uid = $1', [uid]);
    } else {
      await tx.query('DELETE FROM millrace.increment_members WHERE pipeline = $1', [uid]);
      await tx.query(
        'UPDATE millrace.increment_pipelines SET requests_needed_since = NULL WHERE uid = $1',
        [uid],
      );
    }
    return { tableDropped: false, deadLetters };
  });
}

const inheritSql = `
UPDATE millrace.increment_pipelines SET target_created = true
WHERE uid = (SELECT uid FROM millrace.increment_pipelines
  WHERE target = $1 AND uid <> $2 ORDER BY created_at, uid LIMIT 1)`;

/** The table and the note that it is ours go together, so that nothing is dropped twice. */
async function purge(owner: Database, uid: string): Promise<Left> {
  return await owner.transaction(async (tx) => {
    const { rows } = await tx.query<{ target: string; target_created: boolean }>(
      'DELETE FROM millrace.increment_pipelines WHERE uid = $1 RETURNING target, target_created',
      [uid],
    );
    const [pipeline] = rows;
    if (pipeline?.target_created !== true) return { tableDropped: false, deadLetters: 0 };
    const { rowCount: heirs } = await tx.query(inheritSql, [pipeline.target, uid]);
    if (heirs > 0) return { tableDropped: false, deadLetters: 0 };
    await tx.query(`DROP TABLE IF EXISTS ${sqlIdentifier(pipeline.target)}`);
    return { tableDropped: true, deadLetters: 0 };
  });
}

const requestsAtOnce = 10_000;

/** In small steps: there may be millions, and other pipelines write to the same table. */
async function deleteRequests(owner: Sql, uid: string): Promise<void> {
  for (;;) {
    const { rowCount } = await owner.query(
      `DELETE FROM millrace.increment_requests WHERE (pipeline, request, committed_at) IN (
         SELECT pipeline, request, committed_at FROM millrace.increment_requests
         WHERE pipeline = $1 LIMIT ${requestsAtOnce})`,
      [uid],
    );
    if (rowCount < requestsAtOnce) return;
  }
}
