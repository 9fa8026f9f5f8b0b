import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '@millrace/kit/clock';
import { createLog } from '@millrace/kit/log';
import { lacks } from '../../../test/backends.ts';
import { database } from '../../../test/database.ts';
import { ledgerMigrations as source } from '../../csv-import/migrations.ts';
import { openDatabase } from './database.ts';
import {
  createMigration,
  migrateDown,
  migrateForce,
  migrateUp,
  migrationVersion,
} from './migrate.ts';

const log = createLog({ level: 'silent', bindings: {}, fd: 2 });
const clock = systemClock;

/** In the order in which they are applied. */
async function names(): Promise<string[]> {
  return (await readdir(source.dir)).map((file) => file.replace(/[.]sql$/, '')).toSorted();
}

describe.skipIf(lacks('postgres'))('the ledger migrations', () => {
  it('may be started by many at once: one applies them, all succeed', async () => {
    await using server = await database();
    const options = { url: server.ownerUrl, source, clock, deadlineMs: 20_000 };
    const grants = { workingUrl: server.appUrl };

    const applied = await Promise.all(Array.from({ length: 5 }, () => migrateUp(options, grants)));

    const all = await names();
    expect(all.length).toBeGreaterThan(1);
    expect(applied.flat()).toEqual(all);
    expect(await migrationVersion(options)).toEqual(all);
  });

  it('let the working role write rows and neither alter nor drop', async () => {
    await using server = await database();
    const options = { url: server.ownerUrl, source, clock, deadlineMs: 20_000 };
    await migrateUp(options, { workingUrl: server.appUrl });
    const url = (): string => server.appUrl;
    await using db = openDatabase({ url, applicationName: 'test', max: 1, log });

    await db.query(`INSERT INTO millrace.targets (target_table) VALUES ('t')`);

    const refused = { code: 'PermissionDenied' };
    await expect(db.query('DROP TABLE millrace.targets')).rejects.toMatchObject(refused);
    await expect(db.query('DELETE FROM millrace.migrations_csv_import')).rejects.toMatchObject(
      refused,
    );
  });

  it('go down only when told, up again, and can be marked as applied', async () => {
    await using server = await database();
    const options = { url: server.ownerUrl, source, clock, deadlineMs: 20_000 };
    const grants = { workingUrl: server.appUrl };
    await migrateUp(options, grants);
    const all = await names();

    expect(await migrateDown(options, all.length)).toEqual(all.toReversed());
    expect(await migrationVersion(options)).toEqual([]);
    expect(await migrateForce(options, all.length)).toEqual(all);
    expect(await migrateUp(options, grants)).toEqual([]);
  });
});

describe('a new migration', () => {
  it('gets the next number and a name without surprises', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'millrace-migrations-'));

    await createMigration(dir, 'Add the ledger!');
    await createMigration(dir, 'more');

    expect((await readdir(dir)).toSorted()).toEqual(['0001_add_the_ledger.sql', '0002_more.sql']);
    await rm(dir, { recursive: true });
  });
});
