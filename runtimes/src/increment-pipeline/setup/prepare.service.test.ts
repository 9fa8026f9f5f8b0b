import { randomUUID } from 'node:crypto';
import { systemClock } from '@millrace/kit/clock';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import { database } from '../../../test/database.ts';
import { incrementConfig, preparedPipeline, testLog } from '../../../test/increment-worker.ts';
import { openDatabase } from '../../connectors/postgres/database.ts';
import { readPartitions } from '../ledger/partitions.ts';
import { preparePipeline } from './prepare.ts';
import { dropRequestDays, hasRequestDays } from './request-days.ts';

describe.skipIf(lacks('postgres'))('preparing a pipeline', () => {
  it('makes an empty database ready when many begin at once', async () => {
    await using server = await database();
    const config = incrementConfig({ partitions: 3 });
    const workingRole = new URL(server.appUrl).username;
    await using owner = openDatabase({
      url: () => server.ownerUrl,
      applicationName: 'test',
      max: 8,
      log: testLog,
    });
    await using db = openDatabase({
      url: () => server.appUrl,
      applicationName: 'test',
      max: 1,
      log: testLog,
    });
    const prepare = async (): Promise<void> =>
      preparePipeline({
        config,
        ownerUrl: server.ownerUrl,
        owner,
        workingRole,
        log: testLog,
        clock: systemClock,
        signal: AbortSignal.timeout(20_000),
      });

    await Promise.all([prepare(), prepare(), prepare(), prepare()]);

    const rows = await readPartitions(db, config.resource.uid);
    expect(rows.map(({ partition, lastId }) => [partition, lastId])).toEqual([
      [0, '0-0'],
      [1, '0-0'],
      [2, '0-0'],
    ]);
    const { rows: pipelines } = await db.query(
      'SELECT target, target_created FROM millrace.increment_pipelines',
    );
    expect(pipelines).toEqual([{ target: 'increments', target_created: true }]);
    await db.query('INSERT INTO increments VALUES ($1, 1, now())', [randomUUID()]);
  });

  it('gives the working role rows and no tables', async () => {
    await using pipeline = await preparedPipeline();
    const { db, uid } = pipeline;

    await db.query(
      `INSERT INTO millrace.increment_requests VALUES ($1, '\\x01', '\\x02', 'entry', now())`,
      [uid],
    );
    for (const sql of [
      'DROP TABLE increments',
      'TRUNCATE increments',
      'DELETE FROM increments',
      'CREATE TABLE millrace.another (id int)',
      'ALTER TABLE millrace.increment_partitions ADD COLUMN another int',
    ]) {
      await expect(db.query(sql), sql).rejects.toMatchObject({ code: 'PermissionDenied' });
    }
  });

  it('looks with the rights of the working role once all is there', async () => {
    await using pipeline = await preparedPipeline();
    const { db, config, server, workingRole } = pipeline;

    await preparePipeline({
      config,
      ownerUrl: server.appUrl,
      owner: db,
      workingRole,
      log: testLog,
      clock: systemClock,
      signal: AbortSignal.timeout(1),
    });
  });

  it('has days for requests a week ahead, and drops only those that are over', async () => {
    await using pipeline = await preparedPipeline();
    const { owner } = pipeline;

    expect(await hasRequestDays(owner, 7)).toBe(true);
    expect(await hasRequestDays(owner, 8)).toBe(false);
    const midnight = Math.floor(Date.now() / 86_400_000) * 86_400_000;
    expect(await dropRequestDays(owner, midnight - 1)).toEqual([]);
    expect(await dropRequestDays(owner, midnight)).toHaveLength(1);
    expect(await hasRequestDays(owner, 7)).toBe(false);
    await owner.query(
      `INSERT INTO millrace.increment_requests VALUES ($1, '\\x01', '\\x02', 'entry', now())`,
      [randomUUID()],
    );
  });

  it.each([
    ['(key text PRIMARY KEY, value bigint NOT NULL, updated_at timestamptz)', /key of type text/],
    ['(key uuid, value bigint NOT NULL, updated_at timestamptz)', /no primary key/],
    ['(key uuid PRIMARY KEY, value integer NOT NULL, updated_at timestamptz)', /of type integer/],
    ['(key uuid PRIMARY KEY, value bigint, updated_at timestamptz)', /allows NULL/],
    ['(key uuid PRIMARY KEY, value bigint NOT NULL)', /no column updated_at/],
    [
      '(key uuid PRIMARY KEY, value bigint NOT NULL, updated_at timestamptz, site int NOT NULL)',
      /column site/,
    ],
  ])('refuses the table %s', async (columns, why) => {
    await using pipeline = await preparedPipeline();
    await pipeline.owner.query(`CREATE TABLE mine ${columns}`);

    const config = incrementConfig({ target: { table: 'mine' } });
    await expect(pipeline.prepare(config)).rejects.toMatchObject({
      code: 'TargetMismatch',
      message: expect.stringMatching(why) as unknown,
    });
  });

  it('takes a table that somebody else made, and does not call it its own', async () => {
    await using pipeline = await preparedPipeline();
    await pipeline.owner.query(
      `CREATE TABLE mine (id serial, value bigint NOT NULL, key uuid NOT NULL UNIQUE, updated_at timestamptz)`,
    );
    const config = incrementConfig({ target: { table: 'mine' } });

    await pipeline.prepare(config);

    const { rows } = await pipeline.owner.query(
      'SELECT target_created FROM millrace.increment_pipelines WHERE uid = $1',
      [config.resource.uid],
    );
    expect(rows).toEqual([{ target_created: false }]);
  });
});
