import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Transient } from '@millrace/kit/transient';
import { brokerUrl, lacks } from '../../../test/backends.ts';
import { loadedAgain, loadedImport } from '../../../test/loaded-import.ts';
import type { PreparedImport } from '../../../test/prepared-import.ts';
import { until } from '../../../test/until.ts';
import { claimChunk } from '../../chunks/claim.ts';
import { changeState, readImport } from '../../chunks/imports.ts';
import type { Database } from '../../connectors/postgres/database.ts';
import type { AmqpLink } from '../../connectors/rabbitmq/link.ts';
import { cleanUp, type JanitorReport } from './janitor.ts';

const csv = 'id,value\n1,one\nx,no number\n2,two\n';

/** Stands for the broker: notes which queues go. */
function broker(deleted: string[]): Pick<AmqpLink, 'ask'> {
  const channel = { deleteQueue: (queue: string) => Promise.resolve(deleted.push(queue)) };
  return { ask: async (_what, use) => await use(channel as never) };
}

interface Purge {
  readonly config?: PreparedImport['config'];
  readonly deleted?: string[];
  readonly bumpCache?: () => Promise<void>;
}

async function purge(
  { owner, config: held }: PreparedImport,
  { config = held, deleted = [], ...cache }: Purge = {},
): Promise<JanitorReport> {
  return await cleanUp({
    config: { ...config, deletionPolicy: 'Purge' },
    owner,
    link: broker(deleted),
    migrate: () => Promise.resolve(),
    ...cache,
  });
}

interface Remains {
  readonly imports: number;
  readonly chunks: number;
  readonly table: boolean;
  readonly rejects: boolean;
}

async function remains({ owner }: PreparedImport): Promise<Remains | undefined> {
  const { rows } = await owner.query<Remains>(
    `SELECT (SELECT count(*)::int FROM millrace.imports) AS imports,
      (SELECT count(*)::int FROM millrace.chunks) AS chunks,
      to_regclass('things') IS NOT NULL AS "table",
      to_regclass('things_rejects') IS NOT NULL AS rejects`,
  );
  return rows[0];
}

const nothing = { imports: 0, chunks: 0, table: false, rejects: false };

async function rowsOf({ owner }: PreparedImport, table: string): Promise<number> {
  const { rows } = await owner.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`);
  return rows[0]?.n ?? 0;
}

/** Whether a session waits for a lock that another one holds. */
async function isBlocked(db: Database): Promise<boolean> {
  const { rowCount } = await db.query(
    `SELECT FROM pg_stat_activity
      WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0`,
  );
  return rowCount > 0;
}

const main = fileURLToPath(new URL('../../main.ts', import.meta.url));

describe.skipIf(lacks('postgres', 'rabbitmq'))('the janitor as a process', () => {
  it('says in its last words and in its log what it did, and which rows it had to leave', async () => {
    await using it = await loadedImport(csv);
    // As the ledger of an older version is brought up to date.
    await it.owner.query('UPDATE millrace.targets SET created_oid = NULL');
    const env = {
      ...it.env,
      RABBITMQ_URL: brokerUrl(),
      MILLRACE_DELETION_POLICY: 'Purge',
      LOG_LEVEL: 'warn',
    };
    const janitor = spawn(process.execPath, [main, 'csv-import', 'janitor'], { env });
    const log: string[] = [];
    for (const stream of [janitor.stdout, janitor.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => log.push(text));
    }

    const [code] = (await once(janitor, 'close')) as [number];

    const words = await readFile(it.config.terminationLog, 'utf8');
    expect(JSON.parse(words)).toMatchObject({
      outcome: 'Purged',
      rowsDeleted: 0,
      tableDropped: false,
      kept: 'NotOurTable',
    });
    expect(log.join('')).toContain('"kept":"NotOurTable"');
    expect(code).toBe(0);
    expect(await remains(it)).toEqual({ ...nothing, table: true });
  });
});

describe.skipIf(lacks('postgres'))('the janitor of an import', () => {
  it('takes queues, table, rejects and ledger away, once and again', async () => {
    await using it = await loadedImport(csv);
    await it.owner.query('UPDATE millrace.plans SET queue = 2');
    const deleted: string[] = [];

    const first = await purge(it, { deleted });
    const again = await purge(it);

    expect(first).toEqual({ outcome: 'Purged', queues: 2, rowsDeleted: 0, tableDropped: true });
    expect(again).toMatchObject({ outcome: 'Purged', tableDropped: false });
    expect(await remains(it)).toEqual(nothing);
    const queue = `millrace.csv-import.${it.uid}`;
    expect(deleted).toEqual([queue, `${queue}.dead`, `${queue}.2`, `${queue}.2.dead`]);
  });

  it('leaves what another import of the table holds, until that one goes too', async () => {
    await using it = await loadedImport(csv);
    const other = await loadedAgain(it);
    await it.owner.query('UPDATE things SET _millrace_pos = 1::bigint << 43 WHERE id = 1');

    const first = await purge(it);
    const between = [await rowsOf(it, 'things'), await rowsOf(it, 'things_rejects')];
    const last = await purge(it, other);

    expect(first).toMatchObject({ rowsDeleted: 1, tableDropped: false });
    expect(between).toEqual([1, 1]);
    expect(last).toMatchObject({ tableDropped: true });
    expect(await remains(it)).toEqual(nothing);
  });

  it('lets no worker out of reach commit rows behind it, and goes on where it died', async () => {
    await using it = await loadedImport(csv);
    const other = await loadedAgain(it);
    const { owner, app } = it;
    const ref = { import: other.uid, chunk: 0 };
    await changeState(owner, ref.import, { from: ['Complete'], to: 'Loading' });
    await owner.query('UPDATE millrace.chunks SET done_at = NULL WHERE import = $1', [ref.import]);
    const claimed = Promise.withResolvers<void>();
    const committing = Promise.withResolvers<void>();
    const working = app.transaction(async (tx) => {
      expect(await claimChunk(tx, ref, 'out of reach')).toMatchObject({ claimed: true });
      await tx.query(`INSERT INTO things SELECT 9, 'late', max(_millrace_pos) + 1 FROM things`);
      claimed.resolve();
      await committing.promise;
    });
    await claimed.promise;
    const dying: Database = { ...owner, session: () => Promise.reject(new Error('died')) };

    const dead = expect(purge({ ...it, owner: dying }, other)).rejects.toThrow('died');
    await until('the janitor waits for the worker', () => isBlocked(app));
    committing.resolve();
    await working;
    await dead;
    const late = await app.transaction((tx) => claimChunk(tx, ref, 'late'));
    const { state } = (await readImport(owner, ref.import)) ?? {};
    const report = await purge(it, other);

    expect(state).toBe('Lost');
    expect(late).toMatchObject({ claimed: false });
    expect(report).toMatchObject({ rowsDeleted: 3, tableDropped: false });
    expect(await remains(it)).toMatchObject({ imports: 1, table: true });
    expect(await rowsOf(it, 'things')).toBe(0);
  });

  it('keeps every row of a table that somebody else made, also under the old name', async () => {
    await using it = await loadedImport(csv);
    await it.owner.query('CREATE TABLE copy AS TABLE things');
    await it.owner.query('DROP TABLE things');
    await it.owner.query('ALTER TABLE copy RENAME TO things');

    const report = await purge(it);

    expect(report).toMatchObject({ rowsDeleted: 0, tableDropped: false, kept: 'NotOurTable' });
    expect(await remains(it)).toEqual({ ...nothing, table: true });
    expect(await rowsOf(it, 'things')).toBe(2);
  });

  it('makes cached rows stale before it forgets what it has to say', async () => {
    await using it = await loadedImport(csv);
    let isAway = true;
    const bumpCache = async (): Promise<void> => {
      await Promise.resolve();
      if (isAway) throw new Transient('ConnectionRefused', 'Away.', { backend: 'redis' });
    };

    await expect(purge(it, { bumpCache })).rejects.toMatchObject({ backend: 'redis' });
    isAway = false;

    expect(await purge(it, { bumpCache })).toMatchObject({ tableDropped: true });
  });

  it('does nothing under another policy', async () => {
    await using it = await loadedImport(csv);
    const { owner, config } = it;
    const migrate = () => Promise.resolve();

    await expect(cleanUp({ config, owner, link: broker([]), migrate })).rejects.toMatchObject({
      code: 'NothingToPurge',
    });

    expect(await remains(it)).toMatchObject({ imports: 1, table: true });
  });
});
