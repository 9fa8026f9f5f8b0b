import { systemClock } from '@millrace/kit/clock';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import {
  incrementStreams,
  itemsOf,
  keyOf,
  type IncrementStreams,
} from '../../../test/increment-streams.ts';
import { preparedPipeline, type PreparedPipeline } from '../../../test/increment-worker.ts';
import type { RedisCommands } from '../../connectors/redis/link.ts';
import { createFresh } from './fresh.ts';

/** Does something once, between the reading of the streams and that of the sums. */
function meanwhile(link: RedisCommands, act: () => Promise<unknown>): RedisCommands {
  let isDone = false;
  return {
    script: async (attempted, script, use) => await link.script(attempted, script, use),
    call: async (attempted, args) => {
      const reply = await link.call(attempted, args);
      if (args[0] === 'XRANGE' && !isDone) {
        isDone = true;
        await act();
      }
      return reply;
    },
  };
}

/** The sum of a key as the gateway would answer it, from the table and from what is pending. */
async function freshSum(pipeline: PreparedPipeline, link: RedisCommands): Promise<bigint> {
  const fresh = createFresh({
    config: pipeline.config,
    database: pipeline.db,
    link,
    clock: systemClock,
    deadlineMs: 20_000,
  });
  const [rows, pending] = await fresh.read({
    read: async (sql) =>
      (
        await sql.query<{ key: string; value: string; updated_at: string }>(
          'SELECT key, value, updated_at FROM increments WHERE key = $1',
          [keyOf(1)],
        )
      ).rows,
  });
  return BigInt(rows[0]?.value ?? 0) + (pending.get(keyOf(1))?.value ?? 0n);
}

const commitAll = (streams: IncrementStreams) => async () => {
  const worker = streams.startWorker();
  await streams.drained();
  await worker.stop();
};

describe.skipIf(lacks('postgres', 'redis'))('a fresh read', () => {
  it('counts once what is committed and trimmed while it reads', async () => {
    await using pipeline = await preparedPipeline({ partitions: 1 });
    await using streams = await incrementStreams(pipeline);
    await streams.append(0, itemsOf([keyOf(1), 5]));
    await streams.append(0, itemsOf([keyOf(1), 7]));

    const sum = await freshSum(pipeline, meanwhile(streams.link, commitAll(streams)));

    expect([sum, await pipeline.sums()]).toEqual([12n, new Map([[keyOf(1), 12n]])]);
  });

  it('starts over when a stream begins anew while it reads', async () => {
    await using pipeline = await preparedPipeline({ partitions: 1 });
    await using streams = await incrementStreams(pipeline);
    await streams.append(0, itemsOf([keyOf(1), 5]));
    const beginAnew = async () => {
      await commitAll(streams)();
      await streams.make(0, 2);
      await pipeline.owner.query(
        `UPDATE millrace.increment_partitions SET incarnation = 2, last_id = '0-0'`,
      );
    };

    const sum = await freshSum(pipeline, meanwhile(streams.link, beginAnew));

    expect(sum).toBe(5n);
  });
});
