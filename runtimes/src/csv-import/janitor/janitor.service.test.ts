import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { brokerUrl, lacks } from '../../../test/backends.ts';
import { loadedAgain, loadedImport } from '../../../test/loaded-import.ts';
import type { PreparedImport } from '../../../test/prepared-import.ts';
import type { AmqpLink } from '../../connectors/rabbitmq/link.ts';
import { cleanUp, type JanitorReport } from './janitor.ts';

const csv = 'id,value\n1,one\nx,no number\n2,two\n';

/** Stands for the broker: notes which queues go. */
function broker(deleted: string[]): Pick<AmqpLink, 'ask'> {
  const channel = { deleteQueue: (queue: string) => Promise.resolve(deleted.push(queue)) };
  return { ask: async (_what, use) => await use(channel as never) };
}

async function purge(
  { owner, config: held }: PreparedImport,
  config: PreparedImport['config'] = held,
  deleted: string[] = [],
): Promise<JanitorReport> {
  return await cleanUp({
    config: { ...config, deletionPolicy: 'Purge' },
    owner,
    link: broker(deleted),
    migrate: () => Promise.resolve(),
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

const main = fileURLToPath(new URL('../../main.ts', import.meta.url));

describe.skipIf(lacks('postgres', 'rabbitmq'))('the janitor as a process', () => {
  it('does what it is told at the end, and says so in its last words', async () => {
    await using it = await loadedImport(csv);
    const env = { ...it.env, RABBITMQ_URL: brokerUrl(), MILLRACE_DELETION_POLICY: 'Purge' };
    const janitor = spawn(process.execPath, [main, 'csv-import', 'janitor'], {
      env,
      stdio: 'ignore',
    });

    const [code] = (await once(janitor, 'exit')) as [number];

    const words = await readFile(it.config.terminationLog, 'utf8');
    expect(JSON.parse(words)).toMatchObject({ outcome: 'Purged', tableDropped: true });
    expect(code).toBe(0);
    expect(await remains(it)).toEqual(nothing);
  });
});

describe.skipIf(lacks('postgres'))('the janitor of an import', () => {
  it('takes queues, table, rejects and ledger away, once and again', async () => {
    await using it = await loadedImport(csv);
    await it.owner.query('UPDATE millrace.plans SET queue = 2');
    const deleted: string[] = [];

    const first = await purge(it, it.config, deleted);
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
    const last = await purge(it, other.config);

    expect(first).toMatchObject({ rowsDeleted: 1, tableDropped: false });
    expect(between).toEqual([1, 1]);
    expect(last).toMatchObject({ tableDropped: true });
    expect(await remains(it)).toEqual(nothing);
  });

  it('keeps every row of a table that somebody else made, also under the old name', async () => {
    await using it = await loadedImport(csv);
    await it.owner.query('CREATE TABLE copy AS TABLE things');
    await it.owner.query('DROP TABLE things');
    await it.owner.query('ALTER TABLE copy RENAME TO things');

    const report = await purge(it);

    expect(report).toMatchObject({ rowsDeleted: 0, tableDropped: false });
    expect(await remains(it)).toEqual({ ...nothing, table: true });
    expect(await rowsOf(it, 'things')).toBe(2);
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
