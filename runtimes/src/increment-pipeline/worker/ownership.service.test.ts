import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import { roleProcess } from '../../../test/increment-process.ts';
import { incrementStreams, itemsOf, keyOf } from '../../../test/increment-streams.ts';
import { preparedPipeline, type PreparedPipeline } from '../../../test/increment-worker.ts';
import { until } from '../../../test/until.ts';
import { readPartitions } from '../ledger/partitions.ts';

async function owners(pipeline: PreparedPipeline): Promise<readonly (string | undefined)[]> {
  return (await readPartitions(pipeline.db, pipeline.uid)).map(({ owner }) => owner);
}

describe.skipIf(lacks('postgres', 'redis'))('the ownership of partitions', () => {
  it('passes from a frozen process, which is fenced when it wakes', async () => {
    await using pipeline = await preparedPipeline({ partitions: 1 });
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
    await using pipeline = await preparedPipeline();
    await using streams = await incrementStreams(pipeline);
    await using leaving = await roleProcess(pipeline, 'worker', pipeline.config);
    await until('it owns everything', async () =>
      (await owners(pipeline)).every((owner) => owner !== undefined),
    );
    await streams.append(0, itemsOf([keyOf(1), 1]));

    leaving.signal('SIGTERM');

    expect(await leaving.ended, leaving.stderr()).toBe(0);
    expect(await owners(pipeline)).toEqual([undefined, undefined]);
    const { rowCount } = await pipeline.db.query('SELECT FROM millrace.increment_members');
    expect(rowCount).toBe(0);
  });
});
