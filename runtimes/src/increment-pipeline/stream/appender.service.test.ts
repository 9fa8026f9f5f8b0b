import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import {
  randomItems,
  runningAppender,
  storedIncrements,
} from '../../../test/increment-appender.ts';
import { preparedPipeline } from '../../../test/increment-worker.ts';
import { privateRedis } from '../../../test/redis-server.ts';

describe.skipIf(lacks('redis', 'postgres'))('an appender', () => {
  it('appends in groups what comes in one turn, and each increment once', async () => {
    await using redis = await privateRedis();
    await using pipeline = await preparedPipeline({ durability: 'Fsync' });
    const source = { config: pipeline.config, ledger: pipeline.db, url: () => redis.url };
    await using it = runningAppender(source);
    await it.ready();

    const names = await Promise.all(
      Array.from({ length: 500 }, () => it.appender.append(randomItems(1))),
    );
    await it.appender.append(randomItems(1_000));

    expect(it.groups).toEqual([500, 1]);
    expect(new Set(names).size).toBe(2);
    expect(names.every((name) => /^[01]-1-\d+-\d+$/.test(name))).toBe(true);
    expect(await storedIncrements(it.appender.link, pipeline.db, pipeline.uid)).toBe(1_500);
  });
});
