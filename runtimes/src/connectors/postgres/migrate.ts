/**
 * Applies the SQL files of one runtime: safe to run again, and by several processes at once.
 *
 * node-pg-migrate makes the loser of its advisory lock fail at once; here the loser tries again until
 * a deadline. Going up also grants the working role what it needs on the ledger, when that role is
 * not the owner: it may read and write rows and can neither alter nor drop.
 */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runner, type RunnerOption } from 'node-pg-migrate';
import pg from 'pg';
import type { Clock } from '@millrace/kit/clock';
import { Permanent } from '@millrace/kit/permanent';
import { poolConfig } from './connection.ts';
import { transient, translate } from './failures.ts';
import { sqlIdentifier } from './identifier.ts';

export interface MigrationSource {
  /** Folder of NNNN_what.sql files. */
  readonly dir: string;
  readonly schema: string;
  /** Table in that schema that remembers what was applied. */
  readonly table: string;
}

export interface MigrationOptions {
  /** The owner’s URL: it creates and alters. */
  readonly url: string;
  readonly caBundle?: string | undefined;
  readonly source: MigrationSource;
  readonly clock: Clock;
  /** How long to wait for another runner. */
  readonly deadlineMs: number;
}

/** Applies everything that is not applied yet; the names applied. */
export async function migrateUp(
  options: MigrationOptions,
  grants: { readonly workingUrl: string },
): Promise<string[]> {
  return await withClient(options, async (client) => {
    const applied = await run(client, options, { direction: 'up', count: Infinity });
    await grant(client, options.source, grants.workingUrl);
    return applied;
  });
}

/** Undoes the newest `count` files; their tables and what is in them go. */
export async function migrateDown(options: MigrationOptions, count: number): Promise<string[]> {
  return await withClient(options, (client) => run(client, options, { direction: 'down', count }));
}

/** Remembers files as applied without running them, for a database that was repaired by hand. */
export async function migrateForce(options: MigrationOptions, count: number): Promise<string[]> {
  return await withClient(options, (client) =>
    run(client, options, { direction: 'up', count, fake: true }),
  );
}

/** The applied names, oldest first. */
export async function migrationVersion(options: MigrationOptions): Promise<string[]> {
  return await withClient(options, async (client) => {
    const { schema, table } = options.source;
    const name = `${sqlIdentifier(schema)}.${sqlIdentifier(table)}`;
    const { rows: found } = await client.query<{ found: boolean }>(
      'SELECT to_regclass($1) IS NOT NULL AS found',
      [name],
    );
    if (found[0]?.found !== true) return [];
    const { rows } = await client.query<{ name: string }>(`SELECT name FROM ${name} ORDER BY id`);
    return rows.map((row) => row.name);
  });
}

/** Writes an empty migration with the next number; its path. */
export async function createMigration(dir: string, what: string): Promise<string> {
  const slug = what
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_|_$/g, '');
  if (slug === '') throw new Permanent('BadName', 'A migration needs a name of letters or digits.');
  await mkdir(dir, { recursive: true });
  const numbers = (await readdir(dir)).map((file) => Number.parseInt(file, 10) || 0);
  const next = String(Math.max(0, ...numbers) + 1).padStart(4, '0');
  const path = join(dir, `${next}_${slug}.sql`);
  await writeFile(path, '-- Up Migration\n\n-- Down Migration\n', { flag: 'wx' });
  return path;
}

interface Run {
  readonly direction: 'up' | 'down';
  readonly count: number;
  readonly fake?: boolean;
}

async function run(client: pg.Client, options: MigrationOptions, what: Run): Promise<string[]> {
  const { source, clock } = options;
  const deadline = clock.monotonic() + options.deadlineMs;
  const runnerOptions: RunnerOption = {
    dbClient: client,
    dir: source.dir,
    migrationsTable: source.table,
    migrationsSchema: source.schema,
    schema: source.schema,
    createSchema: true,
    createMigrationsSchema: true,
    direction: what.direction,
    count: what.count,
    fake: what.fake ?? false,
    log: () => undefined,
  };
  for (;;) {
    try {
      const done = await runner(runnerOptions);
      return done.map((migration) => migration.name);
    } catch (error) {
      if (!isHeldByAnother(error)) throw error;
      if (clock.monotonic() >= deadline) throw transient('LockTimeout', 'Migrating', error);
      await clock.sleep(200);
    }
  }
}

function isHeldByAnother(error: unknown): boolean {
  return error instanceof Error && /another migration is already running/i.test(error.message);
}

async function grant(
  client: pg.Client,
  source: MigrationSource,
  workingUrl: string,
): Promise<void> {
  const user = URL.parse(workingUrl.trim())?.username;
  if (user === undefined || user === '') return;
  const { rows } = await client.query<{ same: boolean }>('SELECT current_user = $1 AS same', [
    decodeURIComponent(user),
  ]);
  if (rows[0]?.same === true) return;
  const role = sqlIdentifier(decodeURIComponent(user));
  const schema = sqlIdentifier(source.schema);
  await client.query(
    `GRANT USAGE ON SCHEMA ${schema} TO ${role};
     GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO ${role};
     GRANT USAGE ON ALL SEQUENCES IN SCHEMA ${schema} TO ${role};
     REVOKE INSERT, UPDATE, DELETE ON ${schema}.${sqlIdentifier(source.table)} FROM ${role};`,
  );
}

async function withClient<T>(
  options: MigrationOptions,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client(
    poolConfig({
      url: options.url,
      caBundle: options.caBundle,
      applicationName: 'millrace-migrate',
      max: 1,
    }),
  );
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } catch (error) {
    throw translate(error, 'Migrating');
  } finally {
    await client.end().catch(() => undefined);
  }
}
