import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks, privateName } from '../../../test/backends.ts';
import type { TestDatabase } from '../../../test/database.ts';
import { roleProcess } from '../../../test/increment-process.ts';
import { incrementStreams, itemsOf, keyOf } from '../../../test/increment-streams.ts';
import {
  incrementConfig,
  migratedDatabase,
  preparedPipeline,
  type PreparedPipeline,
} from '../../../test/increment-worker.ts';
import { cleanUp } from './janitor.ts';

interface Remains {
  readonly pipelines: number;
  readonly partitions: number;
  readonly letters: number;
  readonly requests: number;
  readonly table: boolean;
}

async function remains({ owner, uid, config }: PreparedPipeline): Promise<Remains | undefined> {
  const { rows } = await owner.query<Remains>(
    `SELECT (SELECT count(*)::int FROM millrace.increment_pipelines WHERE uid = $1) AS pipelines,
      (SELECT count(*)::int FROM millrace.increment_partitions WHERE pipeline = $1) AS partitions,
      (SELECT count(*)::int FROM millrace.increment_dead_letters WHERE pipeline = $1) AS letters,
      (SELECT count(*)::int FROM millrace.increment_requests WHERE pipeline = $1) AS requests,
      to_regclass($2) IS NOT NULL AS "table"`,
    [uid, config.target.table],
  );
  return rows[0];
}

async function addLetter({ owner, uid }: PreparedPipeline): Promise<void> {
  await owner.query(
    `INSERT INTO millrace.increment_dead_letters
       (pipeline, partition, incarnation, entry, reason, increments, payload)
     VALUES ($1, 0, 1, '0-1-1-0', 'Unparsable', 1, '\\x00')`,
    [uid],
  );
}

async function addRequest({ owner, uid }: PreparedPipeline): Promise<void> {
  await owner.query(
    `INSERT INTO millrace.increment_requests VALUES ($1, '\\x01', '\\x02', 'entry', now())`,
    [uid],
  );
}

describe.skipIf(lacks('postgres', 'redis'))('the janitor', () => {
  let server: TestDatabase;
  beforeAll(async () => {
    server = await migratedDatabase();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  it('keeps the sums and nothing else, once everything is committed', async () => {
    await using pipeline = await preparedPipeline({}, server);
    await using streams = await incrementStreams(pipeline);
    const { config, owner } = pipeline;
    await addRequest(pipeline);
    await streams.append(0, itemsOf([keyOf(1), 1]));

    await expect(cleanUp({ config, owner, link: streams.link })).rejects.toMatchObject({
      family: 'Transient',
      code: 'NotCommitted',
    });
    expect(await remains(pipeline)).toMatchObject({ pipelines: 1, partitions: 2, requests: 1 });
    const worker = streams.startWorker();
    await streams.drained();
    await worker.stop();
    const report = await cleanUp({ config, owner, link: streams.link });
    const again = await cleanUp({ config, owner, link: streams.link });

    // Two streams and the count of what was accepted.
    expect(report).toEqual({ outcome: 'Retained', keys: 3, tableDropped: false, deadLetters: 0 });
    expect(again).toEqual({ ...report, keys: 0 });
    expect(await pipeline.sums()).toEqual(new Map([[keyOf(1), 1n]]));
    expect(await remains(pipeline)).toEqual({
      pipelines: 0,
      partitions: 0,
      letters: 0,
      requests: 0,
      table: true,
    });
  });

  it('keeps dead letters that wait, and what replaying them needs', async () => {
    await using pipeline = await preparedPipeline({}, server);
    await using streams = await incrementStreams(pipeline);
    await addLetter(pipeline);

    const { config, owner } = pipeline;
    const report = await cleanUp({ config, owner, link: streams.link });

    expect(report).toMatchObject({ outcome: 'Retained', deadLetters: 1 });
    expect(await remains(pipeline)).toMatchObject({ pipelines: 1, partitions: 2, letters: 1 });
  });

  it('purges the table that Millrace made, with increments that wait', async () => {
    await using pipeline = await preparedPipeline({ deletionPolicy: 'Purge' }, server);
    await using streams = await incrementStreams(pipeline);
    await addLetter(pipeline);
    await addRequest(pipeline);
    await streams.append(0, itemsOf([keyOf(1), 1]));

    const { config, owner } = pipeline;
    const report = await cleanUp({ config, owner, link: streams.link });
    const again = await cleanUp({ config, owner, link: streams.link });

    expect(report).toEqual({ outcome: 'Purged', keys: 3, tableDropped: true, deadLetters: 0 });
    expect(again).toMatchObject({ outcome: 'Purged', keys: 0, tableDropped: false });
    expect(await remains(pipeline)).toEqual({
      pipelines: 0,
      partitions: 0,
      letters: 0,
      requests: 0,
      table: false,
    });
  });

  it('purges no table of somebody else, nor one that another pipeline adds to', async () => {
    await using pipeline = await preparedPipeline({ deletionPolicy: 'Purge' }, server);
    await using streams = await incrementStreams(pipeline);
    const { config, owner } = pipeline;
    const heir = incrementConfig({ target: config.target, deletionPolicy: 'Purge' });
    await pipeline.prepare(heir);

    const first = await cleanUp({ config, owner, link: streams.link });
    const last = await cleanUp({ config: heir, owner, link: streams.link });
    expect([first.tableDropped, last.tableDropped]).toEqual([false, true]);

    await owner.query(
      'CREATE TABLE theirs (key uuid PRIMARY KEY, value bigint NOT NULL, updated_at timestamptz)',
    );
    const other = incrementConfig({ target: { table: 'theirs' }, deletionPolicy: 'Purge' });
    await pipeline.prepare(other);
    const theirs = await cleanUp({ config: other, owner, link: streams.link });
    expect(theirs.tableDropped).toBe(false);
    await owner.query('DROP TABLE theirs');
  });

  it('runs as a Job whose last words are one line', async () => {
    const terminationLog = join(tmpdir(), privateName('janitor'));
    const overrides = { deletionPolicy: 'Purge', terminationLog } as const;
    await using pipeline = await preparedPipeline(overrides, server);
    await using janitor = await roleProcess(pipeline, 'janitor', pipeline.config);

    expect(await janitor.ended, janitor.stderr()).toBe(0);

    const words = await readFile(terminationLog, 'utf8');
    expect(JSON.parse(words)).toEqual({
      outcome: 'Purged',
      keys: 0,
      tableDropped: true,
      deadLetters: 0,
    });
    expect(words.trimEnd()).not.toContain('\n');
    await rm(terminationLog);
  });
});
