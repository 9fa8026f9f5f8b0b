import { Transient } from '@millrace/kit/transient';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { given, lacks } from '../../../test/backends.ts';
import type { TestDatabase } from '../../../test/database.ts';
import { faultProxy } from '../../../test/fault-proxy.ts';
import { incrementStreams, itemsOf, keyOf } from '../../../test/increment-streams.ts';
import {
  migratedDatabase,
  preparedPipeline,
  type PreparedPipeline,
} from '../../../test/increment-worker.ts';
import { until } from '../../../test/until.ts';
import type { Database } from '../../connectors/postgres/database.ts';
import { beginIncarnation, readPartitions } from '../ledger/partitions.ts';
import { streamInfo } from '../stream/reader.ts';
import { appendUse } from '../stream/append-call.ts';
import { appendScript } from '../stream/scripts.ts';
import { acceptedKey, streamKey } from '../stream/names.ts';

function gone(): Transient {
  const message = 'Querying Postgres: the connection broke.';
  return new Transient('ConnectionLost', message, { backend: 'postgres' });
}

/** The answer to one commit is lost; whether it happened is for the test to choose. */
function losingOneCommit(db: Database, isCommitted: boolean): Database & { lost(): number } {
  let lost = 0;
  const losing = async <T>(commit: () => Promise<T>): Promise<T> => {
    if (lost > 0) return commit();
    if (isCommitted) await commit();
    lost += 1;
    throw gone();
  };
  return {
    ...db,
    lost: () => lost,
    query: (text, values) => {
      const query = (): ReturnType<typeof db.query> => db.query(text, values);
      return (isAdding(text) ? losing(query) : query()) as never;
    },
    transaction: (work, options) => losing(() => db.transaction(work, options)),
  };
}

function isAdding(text: string): boolean {
  return text.includes('ON CONFLICT (key)');
}

async function lastIds(pipeline: PreparedPipeline): Promise<readonly string[]> {
  return (await readPartitions(pipeline.db, pipeline.uid)).map(({ lastId }) => lastId);
}

describe.skipIf(lacks('postgres', 'redis'))('a worker', () => {
  let server: TestDatabase;
  beforeAll(async () => {
    server = await migratedDatabase();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  it('adds what is in the streams, and empties them', async () => {
    await using pipeline = await preparedPipeline({}, server);
    await using streams = await incrementStreams(pipeline);
    await streams.append(0, itemsOf([keyOf(1), 5], [keyOf(2), 2n ** 53n + 1n], [keyOf(1), 1]));
    await streams.append(1, itemsOf([keyOf(3), 7]));

    streams.startWorker();
    await streams.append(0, itemsOf([keyOf(1), 10]));
    await streams.drained();

    expect(await pipeline.sums()).toEqual(
      new Map([
        [keyOf(1), 16n],
        [keyOf(2), 2n ** 53n + 1n],
        [keyOf(3), 7n],
      ]),
    );
    const rows = await readPartitions(pipeline.db, pipeline.uid);
    expect(rows.map(({ committed }) => committed)).toEqual([4n, 1n]);
    await until('the streams are empty', async () => {
      const infos = await Promise.all(
        [0, 1].map((partition) => streamInfo(streams.link, streams.place(partition))),
      );
      return infos.every((info) => info?.length === 0);
    });
  });

  it('commits many keys in parts, one right after the other', async () => {
    const flush = { intervalMs: 3_600_000, maxKeys: 10, staleAfterMs: 8_000 };
    await using pipeline = await preparedPipeline({ partitions: 1, flush }, server);
    await using streams = await incrementStreams(pipeline);
    for (let entry = 0; entry < 10; entry++) {
      const keys = Array.from({ length: 7 }, (_, at) => keyOf(entry * 5 + at));
      await streams.append(0, itemsOf(...keys.map((key) => [key, 1] as const)));
    }

    let commits = 0;
    const counting: Database = {
      ...pipeline.db,
      query: (text, values) => {
        if (isAdding(text)) commits += 1;
        return pipeline.db.query(text, values);
      },
    };
    streams.startWorker({ db: counting });
    await streams.drained();

    // Seven keys an entry, of which two are those of the one before.
    expect(commits).toBe(10);
    const sums = [...(await pipeline.sums()).values()];
    expect(sums.reduce((sum, value) => sum + value, 0n)).toBe(70n);
  });

  it.each([
    ['of sums alone that happened', { isCommitted: true, isPlain: true }],
    ['of sums alone that did not happen', { isCommitted: false, isPlain: true }],
    ['with dead letters that happened', { isCommitted: true, isPlain: false }],
    ['with dead letters that did not happen', { isCommitted: false, isPlain: false }],
  ])('finds out what became of a commit %s when its answer was lost', async (_, of) => {
    await using pipeline = await preparedPipeline({ partitions: 1 }, server);
    await using streams = await incrementStreams(pipeline);
    const db = losingOneCommit(pipeline.db, of.isCommitted);
    await streams.append(0, itemsOf([keyOf(1), 1]));
    if (!of.isPlain) await streams.appendRaw(0, ['1', 'torn']);
    streams.startWorker({ db });
    await until('the answer was lost', () => db.lost() > 0);
    await streams.append(0, itemsOf([keyOf(1), 10]));
    await streams.drained();

    expect(await pipeline.sums()).toEqual(new Map([[keyOf(1), 11n]]));
    const [row] = await readPartitions(pipeline.db, pipeline.uid);
    expect(row).toMatchObject({ committed: 2n, deadLetters: of.isPlain ? 0n : 1n });
  });

  it('waits while Postgres is away, and goes on by itself', async () => {
    await using pipeline = await preparedPipeline({}, server);
    await using streams = await incrementStreams(pipeline);
    await using proxy = await faultProxy(pipeline.server.appUrl);
    const failures: string[] = [];
    streams.startWorker({
      db: pipeline.open(proxy.url),
      observed: (backend, failure) => {
        if (failure !== undefined) failures.push(backend);
      },
    });
    await streams.append(0, itemsOf([keyOf(1), 1]));
    await streams.drained();

    proxy.set('stopped');
    await streams.append(0, itemsOf([keyOf(1), 10]));
    await streams.append(1, itemsOf([keyOf(2), 10]));
    await until('it has noticed', () => failures.length > 2);
    proxy.set('passing');
    await streams.drained();

    expect(new Set(failures)).toEqual(new Set(['postgres']));
    expect(await pipeline.sums()).toEqual(
      new Map([
        [keyOf(1), 11n],
        [keyOf(2), 10n],
      ]),
    );
  });

  it('waits while Redis is away, and goes on by itself', async () => {
    await using pipeline = await preparedPipeline({}, server);
    await using streams = await incrementStreams(pipeline);
    await using proxy = await faultProxy(given('redis').url);
    const failures: string[] = [];
    streams.startWorker({
      link: streams.openLink(proxy.url),
      observed: (backend, failure) => {
        if (failure !== undefined) failures.push(backend);
      },
    });
    await streams.append(0, itemsOf([keyOf(1), 1]));
    await streams.drained();

    proxy.set('stopped');
    await streams.append(0, itemsOf([keyOf(1), 10]));
    await until('it has noticed', () => failures.length > 1);
    proxy.set('passing');
    await streams.drained();

    expect(new Set(failures)).toEqual(new Set(['redis']));
    expect(await pipeline.sums()).toEqual(new Map([[keyOf(1), 11n]]));
  });

  it('passes over entries that cannot be read, and lives', async () => {
    await using pipeline = await preparedPipeline({}, server);
    await using streams = await incrementStreams(pipeline);
    streams.startWorker();
    await streams.appendRaw(0, ['1', Buffer.from('torn')]);
    await streams.appendRaw(0, ['99', itemsOf([keyOf(1), 1])]);
    await streams.appendRaw(0, ['a', 'b', 'c', 'd']);
    await streams.append(0, itemsOf([keyOf(1), 1]));
    await streams.drained();

    expect(await pipeline.sums()).toEqual(new Map([[keyOf(1), 1n]]));
    const [row] = await readPartitions(pipeline.db, pipeline.uid);
    expect(row).toMatchObject({ committed: 1n, deadLetters: 3n });
  });

  it('follows a stream that begins anew, also when there was nothing to read', async () => {
    await using pipeline = await preparedPipeline({ partitions: 1 }, server);
    await using streams = await incrementStreams(pipeline);
    streams.startWorker();
    await streams.append(0, itemsOf([keyOf(1), 1]));
    await streams.drained();

    const [lastId = ''] = await lastIds(pipeline);
    const ended = { pipeline: pipeline.uid, partition: 0, incarnation: 1, lastId, accepted: 1n };
    await streams.make(0, 2);
    await beginIncarnation(pipeline.db, ended);
    const next = streams.place(0, 2);
    const append = { key: streamKey(next), entries: [itemsOf([keyOf(1), 10])] };
    const use = appendUse(acceptedKey(pipeline.uid), [append]);
    await streams.link.script('Appending', appendScript, use);

    await expect.poll(() => pipeline.sums()).toEqual(new Map([[keyOf(1), 11n]]));
  });
});
