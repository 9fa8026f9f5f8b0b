import { randomBytes } from 'node:crypto';
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
import { readPartitions } from '../ledger/partitions.ts';
import { decodeEntry } from './entry.ts';
import { parseEntryName, requestsKey, streamKey } from './names.ts';
import { readEntries, streamFacts } from './reader.ts';

let host: AppenderHost;

beforeAll(async () => {
  if (lacks('redis', 'postgres') !== undefined) return undefined;
  host = await appenderHost();
  return () => host[Symbol.asyncDispose]();
});

async function scene(idempotency = { windowMs: 60_000, maxKeys: 100 }): Promise<AppenderScene> {
  const here = await appenderScene(host, { idempotency });
  await here.it.ready();
  return here;
}

function request(): { readonly digest: Buffer; readonly payloadDigest: Buffer } {
  return { digest: randomBytes(16), payloadDigest: randomBytes(16) };
}

/** What workers do when they have read all. */
async function commitAll({ ledger, uid, it }: AppenderScene): Promise<void> {
  for (const { partition, incarnation } of await readPartitions(ledger, uid)) {
    const facts = await streamFacts(it.appender.link, { uid, partition, incarnation });
    await ledger.query(
      'UPDATE millrace.increment_partitions SET last_id = $3 WHERE pipeline = $1 AND partition = $2',
      [uid, partition, facts?.lastGeneratedId],
    );
  }
}

describe.skipIf(lacks('redis', 'postgres'))('a request with a key', () => {
  it('is appended once, whole, with its digests; repetitions hear of the same entry', async () => {
    await using here = await scene();
    const other = here.another();
    await other.ready();
    const asked = request();
    const items = randomItems(7);

    const answers = await Promise.all(
      [here.it, other, here.it].map(({ appender }) => appender.appendRequest(asked, items)),
    );

    expect(answers.filter(({ repeated }) => !repeated)).toHaveLength(1);
    expect(new Set(answers.map(({ entry }) => entry)).size).toBe(1);
    const place = { uid: here.uid, ...parseEntryName(answers[0]?.entry ?? '') };
    const bounds = { after: '0-0', entriesMax: 10, bytesMax: 1_000 };
    const [entry] = await readEntries(here.it.appender.link, {
      partition: 0,
      incarnation: 0,
      ...place,
      ...bounds,
    });
    expect(entry && decodeEntry(entry)).toEqual({ items, request: asked });
    expect(await here.stored()).toBe(7);
  });

  it('travels with others that came in the same turn, each judged for itself', async () => {
    await using here = await scene({ windowMs: 60_000, maxKeys: 250 });
    const { appender } = here.it;
    const [first, ...others] = Array.from({ length: 300 }, request);
    const asked = [first ?? request(), first ?? request(), ...others];
    const mismatch = { ...asked[0], ...request(), digest: asked[0]?.digest ?? Buffer.alloc(16) };

    const answers = asked.map((one) => appender.appendRequest(one, randomItems(2)));
    const outcomes = await Promise.all(
      [...answers, appender.appendRequest(mismatch, randomItems(1))].map(outcome),
    );

    expect(outcomes.filter((each) => each === 'ok')).toHaveLength(251);
    expect(outcomes.filter((each) => each === 'Transient RequestsFull')).toHaveLength(50);
    expect(outcomes.at(-1)).toBe('Permanent RequestMismatch');
    expect(await answers[1]).toMatchObject({ repeated: true });
    expect(here.it.groups).toEqual([250]);
    expect(here.it.failures).toEqual([]);
    expect(await here.stored()).toBe(500);
  });

  it('says that it does not know when the answer is cut off; repeated, it counts once', async () => {
    await using here = await scene();
    const { appender } = here.it;
    await appender.appendRequest(request(), randomItems(1));
    const asked = request();
    const items = randomItems(5);
    here.proxy.set('mute');

    const unanswered = outcome(appender.appendRequest(asked, items));
    await expect.poll(async () => here.redis.command('HLEN', requestsKey(here.uid))).toBe(2);
    here.proxy.set('stopped');
    expect(await unanswered).toBe('Transient FateUnknown');
    here.proxy.set('passing');
    await here.it.ready();

    expect(await appender.appendRequest(asked, items)).toMatchObject({ repeated: true });
    expect(await here.stored()).toBe(6);
  });

  it('is refused with another payload, and that is no doubt about the streams', async () => {
    await using here = await scene();
    const { appender } = here.it;
    const asked = request();
    await appender.appendRequest(asked, randomItems(1));

    const other = appender.appendRequest(
      { ...asked, payloadDigest: randomBytes(16) },
      randomItems(1),
    );

    expect(await outcome(other)).toBe('Permanent RequestMismatch');
    expect(appender.status().ready).toBe(true);
    expect(await here.stored()).toBe(1);
  });

  it('is refused when as many are remembered as may be; repetitions still are answered', async () => {
    await using here = await scene({ windowMs: 60_000, maxKeys: 3 });
    const { appender } = here.it;
    const asked = [request(), request(), request()];
    for (const one of asked) await appender.appendRequest(one, randomItems(1));

    expect(await outcome(appender.appendRequest(request(), randomItems(1)))).toBe(
      'Transient RequestsFull',
    );
    expect(appender.status().ready).toBe(true);
    const [first = request()] = asked;
    expect(await appender.appendRequest(first, randomItems(1))).toMatchObject({ repeated: true });
    expect(await here.stored()).toBe(3);
  });

  it('is forgotten after the window, but not while it may be uncommitted', async () => {
    await using here = await scene({ windowMs: 1, maxKeys: 3 });
    const { appender } = here.it;
    const asked = [request(), request(), request()];
    for (const one of asked) await appender.appendRequest(one, randomItems(1));
    const next = async (): Promise<string> =>
      outcome(appender.appendRequest(request(), randomItems(1)));

    // A gateway that begins now knows the streams as they are.
    const other = here.another();
    await other.ready();
    expect(await outcome(other.appender.appendRequest(request(), randomItems(1)))).toBe(
      'Transient RequestsFull',
    );
    await commitAll(here);

    await expect.poll(next, { timeout: 5_000 }).toBe('ok');
    const [first = request()] = asked;
    expect(await appender.appendRequest(first, randomItems(1))).toMatchObject({ repeated: false });
  });

  it('is appended again when the stream that held it is gone', async () => {
    await using here = await scene();
    const { appender } = here.it;
    const asked = request();
    const { entry } = await appender.appendRequest(asked, randomItems(4));
    const partition = parseEntryName(entry)?.partition ?? 0;

    await here.redis.command('DEL', streamKey({ uid: here.uid, partition, incarnation: 1 }));
    expect(await outcome(appender.appendRequest(request(), randomItems(1)))).toMatch(
      /ok|StreamsUnchecked/,
    );
    await expect
      .poll(() => appender.appendRequest(asked, randomItems(4)).catch(() => undefined))
      .toMatchObject({ repeated: false });

    expect(await appender.appendRequest(asked, randomItems(4))).toMatchObject({
      repeated: true,
      entry: expect.stringMatching(`^${String(partition)}-2-`),
    });
  });
});
