import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import { incrementStreams, itemsOf, keyOf } from '../../../test/increment-streams.ts';
import { preparedPipeline } from '../../../test/increment-worker.ts';
import { until } from '../../../test/until.ts';
import { readPartitions } from '../ledger/partitions.ts';
import { streamInfo } from '../stream/reader.ts';

describe.skipIf(lacks('postgres', 'redis'))('a worker', () => {
  it('adds what is in the streams, and empties them', async () => {
    await using pipeline = await preparedPipeline();
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
});
