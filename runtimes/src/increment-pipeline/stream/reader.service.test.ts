import { randomBytes, randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { given, lacks } from '../../../test/backends.ts';
import { openRedisLink, type RedisLink } from '../../connectors/redis/link.ts';
import { decodeEntry, itemBytes } from './entry.ts';
import { appendUse, readAppended } from './append-call.ts';
import { acceptedKey, streamKey } from './names.ts';
import { acceptedCounts, readEntries, streamFacts, trimTo } from './reader.ts';
import { appendScript, endStreamScript, makeStreamScript } from './scripts.ts';

interface Stream extends AsyncDisposable {
  readonly link: RedisLink;
  readonly place: {
    readonly uid: string;
    readonly partition: number;
    readonly incarnation: number;
  };
  append(...entries: readonly Buffer[]): Promise<readonly string[]>;
}

async function stream(): Promise<Stream> {
  const { url } = given('redis');
  const link = openRedisLink({
    url: () => url,
    commandTimeoutMs: 5_000,
    log: pino({ level: 'silent' }),
  });
  await expect.poll(() => link.isReady()).toBe(true);
  const place = { uid: randomUUID(), partition: 3, incarnation: 2 };
  await link.script('Making', makeStreamScript, { keys: [streamKey(place)], args: [] });
  return {
    link,
    place,
    append: async (...entries) => {
      const appends = [{ key: streamKey(place), entries }];
      const use = appendUse(acceptedKey(place.uid), appends);
      const reply = await link.script('Appending', appendScript, use);
      return readAppended(reply, appends)?.[0]?.ids ?? [];
    },
    [Symbol.asyncDispose]: async () => {
      await link[Symbol.asyncDispose]();
      const client = new Redis(url);
      await client.unlink(streamKey(place), acceptedKey(place.uid));
      client.disconnect();
    },
  };
}

function items(count: number): Buffer {
  const bytes = randomBytes(count * itemBytes);
  for (let at = 16; at < bytes.length; at += itemBytes) bytes.writeBigInt64BE(7n, at);
  return bytes;
}

const limits = { entriesMax: 10_000, bytesMax: 1_000_000 };

describe.skipIf(lacks('redis'))('the reader', () => {
  it('reads what was appended, in order, after an id', async () => {
    await using it = await stream();
    const entries = Array.from({ length: 300 }, (_, at) => items((at % 3) + 1));
    const ids = await it.append(...entries);

    const all = await readEntries(it.link, { ...it.place, after: '0-0', ...limits });
    const later = await readEntries(it.link, { ...it.place, after: ids[250] ?? '', ...limits });

    expect(all.map(({ id }) => id)).toEqual(ids);
    expect(all.map((entry) => decodeEntry(entry))).toEqual(entries.map((items) => ({ items })));
    expect(later.map(({ id }) => id)).toEqual(ids.slice(251));
  });

  it('stops at the bounds it was given', async () => {
    await using it = await stream();
    await it.append(...Array.from({ length: 200 }, () => items(100)));

    const few = await readEntries(it.link, {
      ...it.place,
      after: '0-0',
      ...limits,
      entriesMax: 40,
    });
    const small = await readEntries(it.link, { ...it.place, after: '0-0', ...limits, bytesMax: 1 });

    expect([few.length, small.length]).toEqual([40, 32]);
  });

  it('tells facts and counts, and what is missing', async () => {
    await using it = await stream();
    const fresh = await streamFacts(it.link, it.place);
    const ids = await it.append(items(1), items(5));
    const after = await streamFacts(it.link, it.place);
    const other = { ...it.place, incarnation: 1 };

    expect(fresh).toMatchObject({ lastGeneratedId: '0-0', length: 0 });
    expect(fresh).not.toHaveProperty('firstId');
    expect(after).toMatchObject({ lastGeneratedId: ids[1], firstId: ids[0], length: 2 });
    expect(after?.bytes).toBeGreaterThan(6 * itemBytes);
    expect(await streamFacts(it.link, other)).toBeUndefined();
    expect(await acceptedCounts(it.link, it.place.uid, [it.place, other])).toEqual([6n, 0n]);
  });

  it('trims up to an id, which is included, and forgets no id by it', async () => {
    await using it = await stream();
    const ids = await it.append(items(1), items(1), items(1));

    expect(await trimTo(it.link, { ...it.place, id: ids[1] ?? '' })).toBe(2);
    expect(await streamFacts(it.link, it.place)).toMatchObject({ firstId: ids[2], length: 1 });
    expect(await trimTo(it.link, { ...it.place, id: ids[2] ?? '' })).toBe(1);
    expect(await streamFacts(it.link, it.place)).toMatchObject({
      lastGeneratedId: ids[2],
      length: 0,
    });
  });

  it('refuses to append to a stream that is not there, and writes nothing', async () => {
    await using it = await stream();
    const missing = { ...it.place, incarnation: 3 };

    const appends = [it.place, missing].map((place) => ({
      key: streamKey(place),
      entries: [items(1)],
    }));

    const use = appendUse(acceptedKey(it.place.uid), appends);
    const reply = await it.link.script('Appending', appendScript, use);

    expect(reply).toBe(2);
    expect(readAppended(reply, appends)).toBeUndefined();
    expect(await streamFacts(it.link, it.place)).toMatchObject({ length: 0 });
    expect(await acceptedCounts(it.link, it.place.uid, [it.place])).toEqual([0n]);
  });

  it('ends a stream only when all that is in it is committed', async () => {
    await using it = await stream();
    const ids = await it.append(items(1), items(1));
    const end = (last: string | undefined): Promise<unknown> =>
      it.link.script('Ending', endStreamScript, {
        keys: [streamKey(it.place)],
        args: [last ?? ''],
      });

    expect(await end(ids[0])).toBe(0);
    expect(await end(ids[1])).toBe(1);
    expect(await streamFacts(it.link, it.place)).toBeUndefined();
    expect(await end('0-0')).toBe(1);
  });
});
