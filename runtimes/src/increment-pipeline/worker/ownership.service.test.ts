import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import type { TestDatabase } from '../../../test/database.ts';
import { roleProcess } from '../../../test/increment-process.ts';
import { incrementStreams, itemsOf, keyOf } from '../../../test/increment-streams.ts';
import {
  migratedDatabase,
  preparedPipeline,
  type PreparedPipeline,
} from '../../../test/increment-worker.ts';
import { until } from '../../../test/until.ts';
import type { Database } from '../../connectors/postgres/database.ts';
import { readPartitions } from '../ledger/partitions.ts';

async function owners(pipeline: PreparedPipeline): Promise<readonly (string | undefined)[]> {
  return (await readPartitions(pipeline.db, pipeline.uid)).map(({ owner }) => owner);
}

/** Every use of the database waits, as in a process under SIGSTOP, from within its next commit on. */
function freezing(db: Database): Database & { thaw(): void; isFrozen(): boolean } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isFrozen = false;
  const query: Database['query'] = async (text, values) => {
    if (isFrozen) await promise;
    return db.query(text, values);
  };
  return {
    ...db,
    query,
    thaw: () => resolve(),
    isFrozen: () => isFrozen,
    transaction: (work, options) =>
      db.transaction(async (tx) => {
        const frozenLater: typeof tx = {
          ...tx,
          query: async (text, values) => {
            if (text.includes('ON CONFLICT')) {
              isFrozen = true;
              await promise;
            }
            return tx.query(text, values);
          },
        };
        return work(frozenLater);
      }, options),
  };
}

describe.skipIf(lacks('postgres', 'redis'))('the ownership of partitions', () => {
  let server: TestDatabase;
  beforeAll(async () => {
    server = await migratedDatabase();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  it('is shared by workers that come, and taken back from those that go, with nothing lost or doubled', async () => {
    await using pipeline = await preparedPipeline({ partitions: 8 }, server);
    await using streams = await incrementStreams(pipeline);
    const counted = async (): Promise<readonly number[]> => {
      const names = await owners(pipeline);
      const byOwner = Map.groupBy(names, (owner) => owner ?? '');
      byOwner.delete('');
      return [...byOwner.values()].map((owned) => owned.length).sort((a, b) => a - b);
    };
    let appended = 0n;
    const stop = new AbortController();
    const appending = (async () => {
      for (let at = 0; !stop.signal.aborted; at++) {
        await streams.append(at % 8, itemsOf([keyOf(at % 5), 1]));
        appended += 1n;
      }
    })();

    const first = streams.startWorker();
    await until('one has all', async () => (await counted()).join() === '8');
    const others = [streams.startWorker(), streams.startWorker()];
    await until('three share', async () => (await counted()).join() === '2,3,3');
    await first.stop();
    await until('two share', async () => (await counted()).join() === '4,4');
    await others[0]?.stop();
    await until('one has all again', async () => (await counted()).join() === '8');
    stop.abort();
    await appending;
    await streams.drained();

    const sums = [...(await pipeline.sums()).values()];
    expect(sums.reduce((sum, value) => sum + value, 0n)).toBe(appended);
    const rows = await readPartitions(pipeline.db, pipeline.uid);
    expect(rows.reduce((sum, { committed }) => sum + committed, 0n)).toBe(appended);
  });

  it('passes from a worker that froze within its commit, which is then undone', async () => {
    await using pipeline = await preparedPipeline({ partitions: 1 }, server);
    await using streams = await incrementStreams(pipeline);
    const db = freezing(pipeline.open());
    await streams.append(0, itemsOf([keyOf(1), 1]));
    // A dead letter makes the commit more than one statement, within which a process can freeze.
    await streams.appendRaw(0, ['1', 'torn']);
    const frozen = streams.startWorker({ db });
    await until('it is within its commit', () => db.isFrozen());

    const other = streams.startWorker();
    await streams.drained();
    const sums = await pipeline.sums();
    db.thaw();
    await frozen.stop();
    await streams.append(0, itemsOf([keyOf(1), 10]));
    await streams.drained();

    expect(sums).toEqual(new Map([[keyOf(1), 1n]]));
    expect(await pipeline.sums()).toEqual(new Map([[keyOf(1), 11n]]));
    expect(await owners(pipeline)).toEqual([other.member]);
  });

  it('passes from a frozen process, which is fenced when it wakes', async () => {
    await using pipeline = await preparedPipeline({ partitions: 1 }, server);
    await using streams = await incrementStreams(pipeline);
    await using frozen = await roleProcess(pipeline, 'worker', pipeline.config);
    await streams.append(0, itemsOf([keyOf(1), 1]));
    await streams.drained();

    frozen.signal('SIGSTOP');
    const id = await streams.append(0, itemsOf([keyOf(1), 10]));
    streams.startWorker();
    await streams.drained();
    const [before] = await readPartitions(pipeline.db, pipeline.uid);
    frozen.signal('SIGCONT');
    await streams.append(0, itemsOf([keyOf(1), 100]));
    await streams.drained();
    frozen.signal('SIGTERM');

    expect(before?.lastId).toBe(id);
    expect(await frozen.ended, frozen.stderr()).toBe(0);
    expect(await pipeline.sums()).toEqual(new Map([[keyOf(1), 111n]]));
    expect(await owners(pipeline)).toEqual([before?.owner]);
  });

  it('is given back at once by a process that is told to stop', async () => {
    await using pipeline = await preparedPipeline({}, server);
    await using streams = await incrementStreams(pipeline);
    await using leaving = await roleProcess(pipeline, 'worker', pipeline.config);
    await until('it owns everything', async () =>
      (await owners(pipeline)).every((owner) => owner !== undefined),
    );
    await streams.append(0, itemsOf([keyOf(1), 1]));

    leaving.signal('SIGTERM');

    expect(await leaving.ended, leaving.stderr()).toBe(0);
    expect(await owners(pipeline)).toEqual([undefined, undefined]);
    const { rowCount } = await pipeline.db.query(
      'SELECT FROM millrace.increment_members WHERE pipeline = $1',
      [pipeline.uid],
    );
    expect(rowCount).toBe(0);
  });
});
