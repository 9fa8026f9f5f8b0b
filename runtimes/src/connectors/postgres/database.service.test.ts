import { describe, expect, it } from 'vitest';
import { createLog } from '@millrace/kit/log';
import { lacks } from '../../../test/backends.ts';
import { database as privateDatabase, type TestDatabase } from '../../../test/database.ts';
import { faultProxy } from '../../../test/fault-proxy.ts';
import { openDatabase, type Database } from './database.ts';

const log = createLog({ level: 'silent', bindings: {}, fd: 2 });

function open(url: () => string, max = 2): Database {
  return openDatabase({ url, applicationName: 'test', max, log });
}

async function withTable(server: TestDatabase): Promise<Database> {
  const db = open(() => server.ownerUrl);
  await db.query('CREATE TABLE t (id int PRIMARY KEY, big bigint, at timestamptz)');
  return db;
}

describe.skipIf(lacks('postgres'))('a session', () => {
  it('has the settings that durability and liveness rest on', async () => {
    await using server = await privateDatabase();
    await using owner = open(() => server.ownerUrl);
    // What an administrator may have set must not weaken a commit unseen.
    await owner.query(`ALTER DATABASE ${server.name} SET synchronous_commit = off`);
    await using db = open(() => server.ownerUrl);

    const { rows } = await db.query(
      `SELECT current_setting('synchronous_commit') AS sync, current_setting('TimeZone') AS zone,
        current_setting('lock_timeout') AS lock, current_setting('statement_timeout') AS statement,
        current_setting('application_name') AS name`,
    );

    expect(rows).toEqual([
      { sync: 'on', zone: 'UTC', lock: '30s', statement: '1min', name: 'test' },
    ]);
  });

  it('returns what a double or a Date cannot hold as text', async () => {
    await using server = await privateDatabase();
    await using db = await withTable(server);

    const { rows } = await db.query(
      `SELECT 9007199254740993::bigint AS big, 0.10::numeric AS exact,
        '2026-01-02 03:04:05.123456+00'::timestamptz AS at, '2026-01-02'::date AS day`,
    );

    expect(rows).toEqual([
      {
        big: '9007199254740993',
        exact: '0.10',
        at: '2026-01-02 03:04:05.123456+00',
        day: '2026-01-02',
      },
    ]);
  });

  it('translates what the server refuses, naming constraint and column but no value', async () => {
    await using server = await privateDatabase();
    await using db = await withTable(server);
    await db.query('INSERT INTO t VALUES (1)');

    const duplicate = db.query('INSERT INTO t VALUES (1)');
    await expect(duplicate).rejects.toMatchObject({
      family: 'Permanent',
      code: 'Constraint:23505',
      constraint: 't_pkey',
    });
    await expect(db.query(`SELECT 'secret'::int`)).rejects.toMatchObject({ code: 'Data:22P02' });
    await expect(db.query(`SELECT 'secret'::int`)).rejects.not.toThrow(/secret/);
    await expect(db.query('SELECT FROM nowhere')).rejects.toMatchObject({
      family: 'Transient',
      code: 'SchemaMissing',
    });
    await expect(db.query('SELEC')).rejects.toMatchObject({ family: 'Fault' });
  });

  it('keeps the pool usable after each kind of failure', async () => {
    await using server = await privateDatabase();
    await using db = await withTable(server);

    for (const sql of [
      'SELEC',
      'SELECT pg_terminate_backend(pg_backend_pid())',
      `SELECT ''::int`,
    ]) {
      for (let round = 0; round < 5; round += 1) await db.query(sql).catch(() => undefined);
    }

    expect((await db.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });
});

describe.skipIf(lacks('postgres'))('a transaction', () => {
  it('leaves nothing behind when its work fails', async () => {
    await using server = await privateDatabase();
    await using db = await withTable(server);

    const failing = db.transaction(async (tx) => {
      await tx.query('INSERT INTO t VALUES (1)');
      throw new Error('work failed');
    });

    await expect(failing).rejects.toThrow('work failed');
    expect((await db.query('SELECT FROM t')).rowCount).toBe(0);
  });

  it('refuses to pretend a commit after a swallowed error', async () => {
    await using server = await privateDatabase();
    await using db = await withTable(server);

    const pretending = db.transaction(async (tx) => {
      await tx.query('INSERT INTO t VALUES (1)');
      await tx.query('INSERT INTO t VALUES (1)').catch(() => undefined);
    });

    await expect(pretending).rejects.toMatchObject({ family: 'Fault' });
    expect((await db.query('SELECT FROM t')).rowCount).toBe(0);
  });

  it('rejects as Transient when the server ends its connection', async () => {
    await using server = await privateDatabase();
    await using db = await withTable(server);

    const ended = db.transaction(async (tx) => {
      await tx.query('INSERT INTO t VALUES (1)');
      await tx.query('SELECT pg_terminate_backend(pg_backend_pid())');
    });

    await expect(ended).rejects.toMatchObject({ family: 'Transient', backend: 'postgres' });
    expect((await db.query('SELECT FROM t')).rowCount).toBe(0);
  });
});

describe.skipIf(lacks('postgres'))('a COPY', () => {
  it('stores what was written and says how many rows', async () => {
    await using server = await privateDatabase();
    await using db = await withTable(server);

    const rows = await db.transaction(async (tx) => {
      const copy = tx.copyIn('COPY t (id) FROM STDIN');
      for (let id = 0; id < 10_000; id += 1) await copy.write(Buffer.from(`${id}\n`));
      return await copy.end();
    });

    expect(rows).toBe(10_000);
    expect((await db.query('SELECT FROM t')).rowCount).toBe(10_000);
  });

  it('that is refused leaves the transaction to its savepoint', async () => {
    await using server = await privateDatabase();
    await using db = await withTable(server);

    const code = await db.transaction(async (tx) => {
      await tx.query('SAVEPOINT before');
      const copy = tx.copyIn('COPY t (id) FROM STDIN');
      const failure = await copy
        .write(Buffer.from('1\n1\n'))
        .then(() => copy.end())
        .catch((error: unknown) => error);
      await tx.query('ROLLBACK TO SAVEPOINT before');
      await tx.query('INSERT INTO t VALUES (7)');
      return failure;
    });

    expect(code).toMatchObject({ code: 'Constraint:23505' });
    expect((await db.query('SELECT id FROM t')).rows).toEqual([{ id: 7 }]);
  });

  it('that is aborted leaves no row and a usable connection', async () => {
    await using server = await privateDatabase();
    await using db = await withTable(server);

    await db.transaction(async (tx) => {
      await tx.query('SAVEPOINT before');
      const copy = tx.copyIn('COPY t (id) FROM STDIN');
      await copy.write(Buffer.from('1\n'));
      await copy.abort();
      await tx.query('ROLLBACK TO SAVEPOINT before');
    });

    expect((await db.query('SELECT FROM t')).rowCount).toBe(0);
  });

  it('rejects at once when the connection dies half-way', async () => {
    await using server = await privateDatabase();
    await using proxy = await faultProxy(server.ownerUrl);
    await using setUp = await withTable(server);
    await using db = open(() => proxy.url);
    const line = Buffer.from(`${'1\n'.repeat(1)}`);

    const copying = db.transaction(async (tx) => {
      const copy = tx.copyIn('COPY t (id) FROM STDIN');
      await copy.write(line);
      proxy.set('stopped');
      for (;;) await copy.write(Buffer.alloc(1 << 20, '2\n'));
    });

    await expect(copying).rejects.toMatchObject({ family: 'Transient', code: 'ConnectionLost' });
    expect((await setUp.query('SELECT FROM t')).rowCount).toBe(0);
  });
});

describe.skipIf(lacks('postgres'))('a server that is away', () => {
  it('is told apart: refused, frozen, unknown host, no database, no URL', async () => {
    await using server = await privateDatabase();
    await using frozen = await faultProxy(server.ownerUrl);
    frozen.set('frozen');
    const change = (edit: (url: URL) => void): string => {
      const url = new URL(server.ownerUrl);
      edit(url);
      return url.href;
    };
    const codeOf = async (url: string): Promise<unknown> => {
      await using db = open(() => url);
      return await db
        .query('SELECT 1')
        .catch((error: unknown) => (error as { code: unknown }).code);
    };

    const codes = await Promise.all([
      codeOf(change((url) => (url.port = '1'))),
      codeOf(frozen.url),
      codeOf(change((url) => (url.hostname = 'nowhere.invalid'))),
      codeOf(change((url) => (url.pathname = '/nothing'))),
      codeOf(change((url) => (url.password = 'wrong'))),
      codeOf('not a url'),
    ]);

    expect(codes).toEqual([
      'ConnectionRefused',
      'ConnectTimeout',
      expect.stringMatching(/HostNotFound/),
      'DatabaseMissing',
      'AuthenticationFailed',
      'BadUrl',
    ]);
  });

  it('is reached by the URL of a rotated Secret without a restart', async () => {
    await using server = await privateDatabase();
    const wrong = new URL(server.ownerUrl);
    wrong.password = 'old';
    let url = wrong.href;
    await using db = open(() => url);

    await expect(db.query('SELECT 1')).rejects.toMatchObject({ code: 'AuthenticationFailed' });
    url = server.ownerUrl;

    expect((await db.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });

  it('does not make callers wait for ever for a connection of an exhausted pool', async () => {
    await using server = await privateDatabase();
    await using db = open(() => server.ownerUrl, 1);

    const inside = db.session(async () => await db.query('SELECT 1'));

    await expect(inside).rejects.toMatchObject({ family: 'Transient', code: 'ConnectTimeout' });
  });
});
