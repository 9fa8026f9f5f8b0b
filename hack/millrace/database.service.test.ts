/**
 * `millrace migrate` and `millrace db` as processes, against a server of their own: they make roles
 * and databases, which no other test should meet.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLog } from '@millrace/kit/log';
import { openDatabase } from '@millrace/runtimes/connectors/postgres/database';
import { prepareTarget } from '@millrace/runtimes/csv-import/load/target-setup';
import type { RunningBackend } from '../backends/backend.ts';
import { startBackends } from '../backends/resolve.ts';
import { ownEnvironment } from '../play/test/play-process.ts';
import { millrace, type Ended } from './test/millrace-process.ts';

let folder = '';
let server: RunningBackend;
let databases = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-database-'));
  const backends = await startBackends(['postgres'], {
    stateDir: join(folder, 'servers'),
    env: ownEnvironment(),
    log: () => undefined,
  });
  server = backends.get('postgres') as RunningBackend;
}, 120_000);

afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

function urlOf(base: string | undefined, changes: Partial<Record<'user' | 'word' | 'db', string>>) {
  const url = new URL(base ?? server.url);
  if (changes.user !== undefined) url.username = changes.user;
  if (changes.word !== undefined) url.password = changes.word;
  if (changes.db !== undefined) url.pathname = `/${changes.db}`;
  return url.href;
}

interface Place {
  readonly app: string;
  readonly owner: string;
  readonly args: readonly string[];
}

/** A database of its own, made by the command under test. */
async function freshDatabase(): Promise<Place> {
  databases += 1;
  const db = `made_${String(databases)}`;
  const app = urlOf(server.url, { db });
  const owner = urlOf(server.extra.ownerUrl, { db });
  const args = ['--postgres-url', app, '--owner-url', owner];
  const { code, stderr } = await run('db', 'create', ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return { app, owner, args };
}

function run(...args: readonly string[]): Promise<Ended> {
  return millrace(args, { cwd: folder });
}

async function query(url: string, sql: string): Promise<readonly unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function tables(url: string): Promise<readonly string[]> {
  const rows = await query(
    url,
    `SELECT format('%s.%s', schemaname, tablename) AS name FROM pg_tables
     WHERE schemaname IN ('public', 'millrace') ORDER BY 1`,
  );
  return rows.map((row) => (row as { name: string }).name);
}

describe('millrace migrate', () => {
  it('goes up, says where it is, and goes down only when told --yes', async () => {
    const { args, app, owner } = await freshDatabase();
    const before = await run('migrate', 'version', '--json', ...args);
    const { pending } = JSON.parse(before.stdout) as { pending: readonly string[] };
    const newest = pending.at(-1) ?? '';

    const up = await run('migrate', 'up', ...args);
    const again = await run('migrate', 'up', ...args);
    const unsure = await run('migrate', 'down', ...args);
    const version = await run('migrate', 'version', ...args);
    const granted = await query(app, 'SELECT count(*)::int AS imports FROM millrace.imports');
    const down = await run('migrate', 'down', String(pending.length), '--yes', ...args);

    expect(pending[0]).toBe('0001_ledger');
    expect(up).toMatchObject({
      code: 0,
      stdout: pending.map((name) => `applied ${name}\n`).join(''),
    });
    expect(again).toMatchObject({ code: 0, stdout: '' });
    expect(again.stderr).toMatch(/nothing to apply/);
    expect(unsure).toMatchObject({ code: 64, stdout: '' });
    expect(unsure.stderr).toContain(`this would undo ${newest} in postgres at`);
    expect(version.stdout).toBe(pending.map((name) => `${name}  applied\n`).join(''));
    expect(granted).toEqual([{ imports: 0 }]);
    expect(down.stdout).toBe(
      pending
        .toReversed()
        .map((name) => `undid ${name}\n`)
        .join(''),
    );
    expect(await tables(owner)).toEqual(['millrace.migrations_csv_import']);
  });

  it('records as applied without running, by number, and refuses what it cannot', async () => {
    const { args, owner } = await freshDatabase();

    const unknown = await run('migrate', 'force', '99', ...args);
    const forced = await run('migrate', 'force', '1', ...args);
    const twice = await run('migrate', 'force', '0001_ledger', ...args);

    expect(unknown).toMatchObject({ code: 64, stderr: expect.stringMatching(/no migration 99/) });
    expect(forced).toMatchObject({ code: 0, stdout: 'recorded 0001_ledger\n' });
    expect(twice).toMatchObject({
      code: 64,
      stderr: expect.stringMatching(/applied in .* already/),
    });
    expect(await tables(owner)).toEqual(['millrace.migrations_csv_import']);
  });

  it('writes the next numbered file with both sections', async () => {
    const migrations = await mkdtemp(join(folder, 'migrations-'));
    await writeFile(join(migrations, '0007_before.sql'), '');

    const args = ['migrate', 'create', 'csv-import', 'Try: this!', '--folder', migrations];
    const { code, stdout } = await millrace(args, { cwd: migrations });

    expect({ code, stdout }).toEqual({ code: 0, stdout: '0008_try_this.sql\n' });
    expect(await readFile(join(migrations, '0008_try_this.sql'), 'utf8')).toMatch(
      /^-- Up Migration\n[^]*\n-- Down Migration\n/,
    );
  });

  it.each([
    [['up', '--runtime', 'nothing'], 64, /Allowed choices are csv-import/],
    [['down', '0', '--yes', '--postgres-url', 'postgres://x/y'], 64, /must be 1 or more/],
    [['create', 'nothing', 'x'], 64, /choose one of: csv-import/],
    [['up'], 64, /which Postgres\? \.millrace has no server of play/],
    [[], 64, /Usage: millrace migrate/],
  ])('refuses %j with exit code %i and the way out', async (args, expected, message) => {
    const { code, stdout, stderr } = await run('migrate', ...args);

    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: expected, stdout: '' });
  });
});

describe('millrace db create', () => {
  it('makes the database and both roles, which can then do their work', async () => {
    const [owner, app] = [
      urlOf(undefined, { user: 'fresh_owner', word: 'o-secret', db: 'fresh' }),
      urlOf(undefined, { user: 'fresh_app', word: 'a-secret', db: 'fresh' }),
    ];
    const args = ['--postgres-url', app, '--owner-url', owner];
    const admin = ['--admin-url', server.extra.superuserUrl ?? ''];

    const made = await run('db', 'create', '--roles', ...args, ...admin);
    const again = await run('db', 'create', '--roles', ...args, ...admin);
    const up = await run('migrate', 'up', ...args);

    expect(made.stdout).toBe(
      'created role fresh_owner with the password of its URL\n' +
        'created role fresh_app with the password of its URL\n' +
        'created database fresh\nfresh_app may connect to fresh\n',
    );
    expect(again.stdout).toMatch(/role fresh_owner is there already; its password was not changed/);
    expect(up.code).toBe(0);
    expect(made.stdout + made.stderr + again.stdout + again.stderr).not.toContain('secret');
    expect(await query(app, 'SELECT count(*)::int AS imports FROM millrace.imports')).toEqual([
      { imports: 0 },
    ]);
    await expect(query(app, 'CREATE TABLE public.mine (id int)')).rejects.toThrow(/denied/);
  });

  it('names what to set when it got no password', async () => {
    const admin = urlOf(server.extra.superuserUrl, { db: 'third' });
    await query(admin.replace(/third$/, 'postgres'), 'ALTER ROLE millrace_app RENAME TO away');

    const { code, stdout } = await run('db', 'create', '--roles', '--postgres-url', admin);

    await query(admin.replace(/third$/, 'postgres'), 'DROP DATABASE third; ');
    await query(
      admin.replace(/third$/, 'postgres'),
      'DROP ROLE millrace_app; ALTER ROLE away RENAME TO millrace_app',
    );
    expect(stdout).toMatch(
      /created role millrace_app without a password; set one with: ALTER ROLE/,
    );
    expect(code).toBe(0);
  });

  it('says that a role may not create databases', async () => {
    const { code, stderr } = await run(
      'db',
      'create',
      '--postgres-url',
      urlOf(undefined, { db: 'no' }),
    );

    expect(stderr).toMatch(/millrace_owner may not create databases|millrace_app may not create/);
    expect(stderr).toMatch(/--admin-url/);
    expect(code).toBe(64);
  });
});

const uid = 'b7c1a8c0-0000-4000-8000-00000000000';

/** A ledger with two targets: one that an import created, one that it adopted. */
async function loaded({ owner, args }: Place, state: string): Promise<void> {
  expect((await run('migrate', 'up', ...args)).code).toBe(0);
  await query(owner, 'CREATE TABLE ours (id bigint PRIMARY KEY, name text)');
  const log = createLog({ level: 'silent', bindings: {}, fd: 2 });
  await using db = openDatabase({ url: () => owner, applicationName: 'test', max: 1, log });
  const columns = [
    { name: 'id', type: 'bigint' },
    { name: 'name', type: 'text' },
  ] as const;
  for (const table of ['made', 'ours'])
    await prepareTarget(db, { table, columns, key: ['id'], adopt: table === 'ours' });
  await query(
    owner,
    `INSERT INTO millrace.targets (target_table) VALUES ('made'), ('ours');
     INSERT INTO millrace.imports (uid, namespace, name, target, chunk_bytes, state, columns)
     SELECT ('${uid}' || n)::uuid, 'default', 'of-' || target, target, 1024, '${state}',
       '{"columns": [{"name": "id"}, {"name": "name"}], "width": 2, "ignored": []}'
     FROM (VALUES (1, 'made'), (2, 'ours')) t (n, target);
     CREATE TABLE other (id int)`,
  );
}

describe('millrace db clear', () => {
  it('drops the ledger, and the tables that imports created when asked, and nothing else', async () => {
    const place = await freshDatabase();
    await loaded(place, 'Complete');

    const unsure = await run('db', 'clear', '--tables', ...place.args);
    const before = await tables(place.owner);
    const { code, stdout } = await run('db', 'clear', '--yes', '--tables', ...place.args);

    expect(unsure).toMatchObject({ code: 64, stdout: '' });
    expect(unsure.stderr).toMatch(/would drop the ledger and the loaded tables in .*say --yes/);
    expect(before).toContain('public.made');
    expect(stdout).toMatch(
      /^dropped table made\ndropped table made_rejects\nleft table ours: Millrace did not create it\ndropped table ours_rejects\n/,
    );
    expect(stdout).toMatch(/dropped schema millrace\n$/);
    expect(await tables(place.owner)).toEqual(['public.other', 'public.ours']);
    expect(code).toBe(0);
  });

  it('keeps the loaded tables without --tables, and what others put into the schema', async () => {
    const place = await freshDatabase();
    await loaded(place, 'Failed');
    await query(place.owner, 'CREATE TABLE millrace.theirs (id int)');

    const { code, stdout } = await run('db', 'clear', '--yes', ...place.args);
    const again = await run('db', 'clear', '--yes', ...place.args);

    expect(stdout).toMatch(
      /left schema millrace: it holds something that Millrace did not make\n$/,
    );
    expect(await tables(place.owner)).toEqual([
      'millrace.theirs',
      'public.made',
      'public.made_rejects',
      'public.other',
      'public.ours',
      'public.ours_rejects',
    ]);
    expect([code, again.code]).toEqual([0, 0]);
  });

  it('drops nothing while imports have not ended, or while something depends on a table', async () => {
    const place = await freshDatabase();
    await loaded(place, 'Loading');
    const before = await tables(place.owner);

    const live = await run('db', 'clear', '--yes', '--tables', ...place.args);
    await query(place.owner, 'CREATE VIEW seen AS SELECT * FROM made');
    const viewed = await run('db', 'clear', '--yes', '--tables', '--force', ...place.args);

    expect(live.stderr).toMatch(/have not ended: default\/of-made \(Loading\), default\/of-ours/);
    expect(viewed.stderr).toMatch(
      /something else depends on the table made, so nothing was dropped/,
    );
    expect(await tables(place.owner)).toEqual(before);
    expect([live.code, viewed.code]).toEqual([65, 65]);
  });

  it('has nothing to do in a database without a ledger', async () => {
    const { args } = await freshDatabase();
    expect(await run('db', 'clear', '--yes', ...args)).toMatchObject({ code: 0, stdout: '' });
  });
});

describe('millrace', () => {
  it.each([
    [['--help']],
    [['verify', '--help']],
    [['migrate', '--help']],
    [['migrate', 'down', '--help']],
    [['migrate', 'create', '--help']],
    [['db', '--help']],
    [['db', 'create', '--help']],
    [['db', 'clear', '--help']],
  ])('explains itself with examples and exit codes: %j', async (args) => {
    const { code, stdout, stderr } = await run(...args);

    expect(stdout).toMatch(/Usage: millrace/);
    expect(stdout).toMatch(/Example/i);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('reads .env where it is called', async () => {
    const { owner, app } = await freshDatabase();
    const lines = [`MILLRACE_POSTGRES_URL=${app}`, `MILLRACE_POSTGRES_OWNER_URL=${owner}`];
    const cwd = await mkdtemp(join(folder, 'env-'));
    await writeFile(join(cwd, '.env'), `${lines.join('\n')}\n`);

    const { code, stdout } = await millrace(['migrate', 'up'], { cwd });

    expect(stdout).toMatch(/^applied 0001_ledger\n/);
    expect(code).toBe(0);
  });
});
