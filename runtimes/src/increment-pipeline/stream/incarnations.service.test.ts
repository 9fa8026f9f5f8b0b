import { beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import {
  appenderHost,
  appenderScene,
  outcome,
  randomItems,
  type AppenderHost,
  type AppenderScene,
} from '../../../test/increment-appender.ts';
import type { Sql } from '../../connectors/postgres/database.ts';
import { readPartitions } from '../ledger/partitions.ts';
import { appendUse } from './append-call.ts';
import { acceptedKey, streamKey } from './names.ts';
import { streamFacts } from './reader.ts';
import { appendScript } from './scripts.ts';

let host: AppenderHost;

beforeAll(async () => {
  if (lacks('redis', 'postgres') !== undefined) return undefined;
  host = await appenderHost();
  return () => host[Symbol.asyncDispose]();
});

async function scene(): Promise<AppenderScene> {
  const here = await appenderScene(host);
  await here.it.ready();
  return here;
}

/** Incarnations and losses by partition, as the ledger has them. */
async function ledgerOf({ ledger, uid }: AppenderScene): Promise<readonly [number, number][]> {
  const rows = await readPartitions(ledger, uid);
  return rows.map(({ incarnation, lost }) => [incarnation, Number(lost)]);
}

async function hasBegun(here: AppenderScene, incarnation: number): Promise<void> {
  const incarnations = async (): Promise<number[]> =>
    (await ledgerOf(here)).map(([current]) => current);
  await expect
    .poll(incarnations, { timeout: 10_000 })
    .toEqual(Array.from({ length: 2 }, () => incarnation));
}

/** What a worker does when it has read a whole stream. */
async function commitAll({ ledger, uid, it }: AppenderScene): Promise<void> {
  for (const { partition, incarnation } of await readPartitions(ledger, uid)) {
    const facts = await streamFacts(it.appender.link, { uid, partition, incarnation });
    await ledger.query(
      `UPDATE millrace.increment_partitions SET last_id = $3, committed = $4
       WHERE pipeline = $1 AND partition = $2`,
      [uid, partition, facts?.lastGeneratedId, facts?.length],
    );
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

describe.skipIf(lacks('redis', 'postgres'))('incarnations', () => {
  it('begin in place when a pipeline is new, however many gateways start at once', async () => {
    await using here = await appenderScene(host);
    const others = [here.another(), here.another()];
    for (const gateway of [here.it, ...others]) await gateway.ready();

    await Promise.all([here.it, ...others].map(({ appender }) => appender.append(randomItems(10))));

    expect(await ledgerOf(here)).toEqual([
      [1, 0],
      [1, 0],
    ]);
    expect(await here.stored()).toBe(30);
  });

  it('begin once for all gateways when Redis is emptied under them, and the loss is counted', async () => {
    await using here = await scene();
    const other = here.another();
    await other.ready();
    await here.it.appender.append(randomItems(70));
    await other.appender.append(randomItems(30));
    await here.it.appender.append(randomItems(10));

    await here.redis.command('FLUSHALL');
    const refused = await Promise.all([
      outcome(here.it.appender.append(randomItems(20))),
      outcome(other.appender.append(randomItems(20))),
    ]);
    await hasBegun(here, 2);
    await here.it.ready();
    await other.ready();
    // The one that did not begin them may still hold the old ones: it is refused, and follows.
    const taken = async ({ appender }: typeof other): Promise<string> =>
      outcome(appender.append(randomItems(40)));
    await expect.poll(() => taken(other)).toBe('ok');
    await expect.poll(() => taken(here.it)).toBe('ok');

    expect(refused).toEqual(['Transient StreamsUnchecked', 'Transient StreamsUnchecked']);
    expect([...here.it.began, ...other.began]).toHaveLength(2);
    expect(sum([...here.it.began, ...other.began].map(({ lost }) => lost))).toBeGreaterThan(0);
    expect(sum((await ledgerOf(here)).map(([, lost]) => lost))).toBeLessThanOrEqual(110);
    expect(await here.stored()).toBe(80);
  });

  it('count every increment that one gateway knows to be lost', async () => {
    await using here = await scene();
    await here.it.appender.append(randomItems(70));
    await here.it.appender.append(randomItems(30));

    await here.redis.command('FLUSHALL');
    await outcome(here.it.appender.append(randomItems(1)));
    await hasBegun(here, 2);

    expect(sum((await ledgerOf(here)).map(([, lost]) => lost))).toBe(100);
    expect(sum(here.it.began.map(({ lost }) => lost))).toBe(100);
  });

  it('begin for the one stream that was deleted, and leave the other alone', async () => {
    await using here = await scene();
    const { uid } = here;
    await here.it.appender.append(randomItems(100));
    const kept = await streamFacts(here.it.appender.link, { uid, partition: 1, incarnation: 1 });

    await here.redis.command('DEL', streamKey({ uid, partition: 0, incarnation: 1 }));
    expect(await outcome(here.it.appender.append(randomItems(50)))).toBe(
      'Transient StreamsUnchecked',
    );
    await here.it.ready();
    await here.it.appender.append(randomItems(50));

    const [[first, lost], second] = (await ledgerOf(here)) as [[number, number], [number, number]];
    expect([first, second]).toEqual([2, [1, 0]]);
    expect(kept?.length).toBe(1);
    // The refused group left nothing in the stream that was there.
    expect(await here.stored()).toBe(150 - lost);
  });

  it('begin when the server comes back empty', async () => {
    await using here = await scene();
    await here.it.appender.append(randomItems(100));

    await here.redis.stop();
    await here.redis.wipe();
    await here.redis.start();
    await hasBegun(here, 2);
    await here.it.ready();
    await here.it.appender.append(randomItems(10));

    expect(sum((await ledgerOf(here)).map(([, lost]) => lost))).toBe(100);
    expect(await here.stored()).toBe(10);
  });

  it('wait for the commit of what is left when the server is set back in time', async () => {
    await using here = await scene();
    const { redis } = here;
    await here.it.appender.append(randomItems(60));
    const copy = await redis.copyData();
    await here.it.appender.append(randomItems(40));

    await redis.stop();
    await redis.restore(copy);
    await redis.start();
    await expect.poll(() => here.it.appender.status().message).toMatch(/workers commit/);

    expect(here.it.began).toEqual([]);
    expect(await outcome(here.it.appender.append(randomItems(1)))).toBe(
      'Transient StreamsUnchecked',
    );
    expect(Number(await redis.command('XLEN', streamKey({ ...first(here), incarnation: 1 })))).toBe(
      1,
    );
    await commitAll(here);
    await hasBegun(here, 2);
    await here.it.ready();
    await here.it.appender.append(randomItems(5));
    expect(await here.stored()).toBe(5);
    expect(sum(here.it.began.map(({ lost }) => lost))).toBeGreaterThanOrEqual(40);
  });

  it('begin before any append when the ledger is ahead of the stream', async () => {
    await using here = await scene();
    await here.it.appender.append(randomItems(10));
    // As after a failover that lost what was committed, or a clock that was ahead and set back.
    await here.ledger.query(
      `UPDATE millrace.increment_partitions SET last_id = '99999999999999-0', committed = 10
       WHERE pipeline = $1`,
      [here.uid],
    );

    const other = here.another();
    await other.ready();
    await other.appender.append(randomItems(10));

    expect((await ledgerOf(here)).map(([incarnation]) => incarnation)).toEqual([2, 2]);
    expect(await here.redis.command('EXISTS', streamKey({ ...first(here), incarnation: 1 }))).toBe(
      0,
    );
    expect(await here.stored()).toBe(10);
  });

  it('begin when ids go back under a living connection, and what was answered so is in doubt', async () => {
    await using here = await scene();
    const { redis, uid } = here;
    for (const partition of [0, 1]) {
      const key = streamKey({ uid, partition, incarnation: 1 });
      // A clock that was ahead, and then another copy of the data.
      await redis.command('XADD', key, '99999999999999-0', '1', 'x'.repeat(24));
    }
    await here.it.appender.append(randomItems(10));
    await redis.command(
      'EVAL',
      `for _, key in ipairs(KEYS) do
         redis.call('DEL', key)
         redis.call('XGROUP', 'CREATE', key, 'g', '0', 'MKSTREAM')
       end`,
      '2',
      ...[0, 1].map((partition) => streamKey({ uid, partition, incarnation: 1 })),
    );

    expect(await outcome(here.it.appender.append(randomItems(10)))).toMatch(
      /FateUnknown|StreamsUnchecked/,
    );
    await commitAll(here);
    await hasBegun(here, 2);

    await here.it.ready();
    await here.it.appender.append(randomItems(10));
    expect(await here.stored()).toBe(10);
  });

  it('refuse whoever appends to a stream that has ended', async () => {
    await using here = await scene();
    const { uid } = here;
    const place = { uid, partition: 0, incarnation: 1 };
    await here.it.appender.append(randomItems(100));
    await here.redis.command('FLUSHALL');
    await outcome(here.it.appender.append(randomItems(100)));
    await hasBegun(here, 2);

    const append = { key: streamKey(place), entries: [randomItems(1)] };
    const use = appendUse(acceptedKey(uid), [append]);
    const reply = await here.it.appender.link.script('Appending', appendScript, use);

    expect(reply).toBe(1);
    expect(await here.redis.command('EXISTS', streamKey(place))).toBe(0);
  });

  it('are looked at again on a new connection, which needs Postgres; appends in between do not', async () => {
    await using here = await scene();
    let isAway = false;
    const ledger: Sql = {
      query: async (text, values) => {
        if (isAway) throw new Error('away');
        return here.ledger.query(text, values);
      },
    };
    const other = here.another(ledger);
    await other.ready();

    isAway = true;
    const whileAway = await outcome(other.appender.append(randomItems(3)));
    await here.redis.stop();
    await here.redis.start();
    await expect.poll(() => other.appender.link.isReady(), { timeout: 10_000 }).toBe(true);
    const afterReconnection = await outcome(other.appender.append(randomItems(3)));
    isAway = false;
    await other.ready();

    expect([whileAway, afterReconnection]).toEqual(['ok', 'Transient StreamsUnchecked']);
    expect(await outcome(other.appender.append(randomItems(3)))).toBe('ok');
    expect(await here.stored()).toBe(6);
  });
});

function first({ uid }: AppenderScene): { readonly uid: string; readonly partition: number } {
  return { uid, partition: 0 };
}
