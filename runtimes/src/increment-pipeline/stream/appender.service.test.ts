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
import { compareEntryIds } from './entry-id.ts';
import { acceptedField, acceptedKey, parseEntryName } from './names.ts';

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

describe.skipIf(lacks('redis', 'postgres'))('an appender', () => {
  it('sends in one call what came in during the one before, and answers each', async () => {
    await using here = await scene();
    const { appender } = here.it;

    const first = Array.from({ length: 500 }, () => appender.append(randomItems(1)));
    // The call with these is under way when the others come.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    const second = Array.from({ length: 300 }, () => appender.append(randomItems(2)));
    const names = await Promise.all([...first, ...second]);

    expect(here.it.groups).toEqual([500, 300]);
    expect(names.every((name) => /^[01]-1-\d+-\d+$/.test(name))).toBe(true);
    expect(await here.stored()).toBe(1_100);
    const stats = String(await here.redis.command('INFO', 'commandstats'));
    const appends = /cmdstat_xadd:calls=(\d+)/.exec(stats)?.[1];
    // Two partitions, two groups.
    expect(appends).toBe('4');
  });

  it('keeps the order of what it took, within each partition', async () => {
    await using here = await scene();
    const items = Array.from({ length: 200 }, () => randomItems(1));

    const names = [];
    for (const [at, item] of items.entries()) {
      names.push(here.it.appender.append(item));
      if (at % 7 === 0) await names[at];
    }
    const places = (await Promise.all(names)).map((name) => parseEntryName(name));

    for (const partition of [0, 1]) {
      const ids = places.flatMap((place) => (place?.partition === partition ? [place.id] : []));
      expect(ids).toEqual(ids.toSorted(compareEntryIds));
    }
    expect(await here.stored()).toBe(200);
  });

  it('says that it does not know when the answer is cut off, and sends nothing again', async () => {
    await using here = await scene();
    const { appender } = here.it;
    await appender.append(randomItems(5));
    here.proxy.set('mute');

    const unanswered = outcome(appender.append(randomItems(100)));
    await expect
      .poll(async () => Number(await here.redis.command('HGET', ...accepted(here, 0))))
      .toBeGreaterThan(5);
    here.proxy.set('stopped');

    expect(await unanswered).toBe('Transient FateUnknown');
    expect(await outcome(appender.append(randomItems(1)))).toBe('Transient NotConnected');
    here.proxy.set('passing');
    // It was done, once: between the accepted, and the accepted plus the unanswered.
    expect(await here.stored()).toBe(105);
    expect(here.it.began).toEqual([]);
  });

  it('says that it does not know when the answer does not come in time', async () => {
    await using here = await scene();
    const { appender } = here.it;
    await appender.append(randomItems(1));
    here.proxy.set('mute');

    const first = outcome(appender.append(randomItems(1)));
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    const next = outcome(appender.append(randomItems(1)));

    expect(await first).toBe('Transient FateUnknown');
    // Behind one that is in doubt nothing is sent.
    expect(await next).toBe('Transient StreamsUnchecked');
    here.proxy.set('passing');
    expect(await here.stored()).toBe(2);
  });

  it('keeps accepted ≤ stored ≤ accepted + unanswered while Redis is killed again and again', async () => {
    await using here = await scene();
    const counts = { accepted: 0, unknown: 0, refused: 0 };
    const stop = new AbortController();
    const client = async (): Promise<void> => {
      while (!stop.signal.aborted) {
        const result = await outcome(here.it.appender.append(randomItems(3)));
        if (result === 'ok') counts.accepted += 3;
        else if (result === 'Transient FateUnknown') counts.unknown += 3;
        else counts.refused += 3;
        if (result !== 'ok') await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const clients = Array.from({ length: 20 }, client);
    for (let kill = 0; kill < 2; kill++) {
      const before = counts.accepted;
      await expect.poll(() => counts.accepted, { timeout: 20_000 }).toBeGreaterThan(before + 1_000);
      await here.redis.stop('SIGKILL');
      await here.redis.start();
    }
    stop.abort();
    await Promise.all(clients);

    const stored = await here.stored();

    expect(counts.unknown).toBeGreaterThan(0);
    expect(stored).toBeGreaterThanOrEqual(counts.accepted);
    expect(stored).toBeLessThanOrEqual(counts.accepted + counts.unknown);
    expect(here.it.began).toEqual([]);
  });

  it('is flushed when nothing waits', async () => {
    await using here = await scene();
    const { appender } = here.it;
    let isAnswered = false;
    void appender.append(randomItems(1_000)).then(() => {
      isAnswered = true;
    });

    await appender.flushed();

    expect(isAnswered).toBe(true);
  });
});

function accepted({ uid }: AppenderScene, partition: number): [string, string] {
  return [acceptedKey(uid), acceptedField({ partition, incarnation: 1 })];
}
