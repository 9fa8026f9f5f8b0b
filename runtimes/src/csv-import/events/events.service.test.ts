import { describe, expect, it } from 'vitest';
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { claimChunk } from '../../chunks/claim.ts';
import { loadClaimed, readContext } from '../worker/chunk-work.ts';
import { lacks } from '../../../test/backends.ts';
import { eventClient, type EventClient } from '../../../test/event-client.ts';
import { testGateway } from '../../../test/gateway.ts';
import { chunkWork, completeImport, loadChunks } from '../../../test/prepared-chunks.ts';
import { preparedImport, type PreparedImport } from '../../../test/prepared-import.ts';

/** Four chunks of about 1 KiB. */
function content(records = 128): string {
  const lines = Array.from({ length: records }, (_, id) => `${id},value ${id} ${'x'.repeat(16)}`);
  return `id,value\n${lines.join('\n')}\n`;
}

const served: Partial<CsvImportPodConfig> = { serve: { enabled: true, filters: [] } };

function ids(client: EventClient): readonly number[] {
  return client.rows().map((row) => (JSON.parse(row) as { id: number }).id);
}

/** A look at the ledger may be a second old on a busy host. */
const patience = { timeout: 10_000 };

const all = (records = 128): readonly number[] => Array.from({ length: records }, (_, id) => id);
const sorted = (found: readonly number[]): readonly number[] => [...found].sort((a, b) => a - b);

function gatewayOf(it: PreparedImport) {
  return testGateway({ config: it.config, postgresUrl: it.env['POSTGRES_URL'] ?? '' });
}

describe.skipIf(lacks('postgres'))('the events of an import', () => {
  it('sends what is there, then chunks as they are committed, then the end', async () => {
    await using it = await preparedImport(content(), served);
    const [first = 0, ...others] = it.chunks;
    await loadChunks(it, [first]);
    await using gateway = await gatewayOf(it);

    await using client = await eventClient(`${gateway.url}/things/events`);
    await expect.poll(() => ids(client).length, patience).toBeGreaterThan(0);
    const snapshot = ids(client).length;
    await loadChunks(it, others.toReversed());
    await expect.poll(() => ids(client).length, patience).toBe(128);
    await completeImport(it);
    const wasEnded = await client.ended;

    expect([client.status, client.type]).toEqual([200, 'text/event-stream; charset=utf-8']);
    expect(snapshot).toBeLessThan(64);
    expect(sorted(ids(client))).toEqual(all());
    expect(wasEnded).toBe(true);
    expect(client.events.at(-1)).toMatchObject({ event: 'end' });
  });

  it('misses no chunk that was being committed when the client came, and resumes in both phases', async () => {
    await using it = await preparedImport(content(), served);
    // The last rows first, so that what is committed later lies behind the place of a client.
    const [first = 0, slow = 1, ...others] = it.chunks.toReversed();
    await loadChunks(it, [first]);
    await using gateway = await gatewayOf(it);
    const url = `${gateway.url}/things/events`;

    // Its transaction is older than what the snapshot shows, and is committed last.
    const committing = Promise.withResolvers<void>();
    // However this ends: a transaction that stays open keeps its connection from being closed.
    using end = new DisposableStack();
    end.defer(() => committing.resolve());
    const work = chunkWork(it);
    const held = it.app.transaction(async (tx) => {
      const claim = await claimChunk(tx, { import: it.uid, chunk: slow }, 'test');
      if (!claim.claimed) throw new Error(claim.why);
      await loadClaimed(tx, claim.chunk, { context: await readContext(work), options: work });
      await committing.promise;
    });
    await loadChunks(it, others.slice(0, 1));
    await using begun = await eventClient(url);
    await expect.poll(() => begun.rows().length, patience).toBeGreaterThan(40);
    const inSnapshot = begun.events.filter(({ event }) => event === 'message')[9];
    await loadChunks(it, others.slice(1));
    await expect.poll(() => ids(begun).includes(0), patience).toBe(true);
    await using resumed = await eventClient(url, { 'last-event-id': inSnapshot?.id ?? '' });
    await expect.poll(() => ids(resumed).includes(0), patience).toBe(true);
    committing.resolve();
    await held;
    const missing = 128 - new Set(ids(begun).slice(0, 10)).size;
    await expect.poll(() => new Set(ids(resumed)).size, patience).toBe(missing);
    const inChunks = resumed.events.filter(({ event }) => event === 'message').at(-5);
    await using again = await eventClient(url, { 'last-event-id': inChunks?.id ?? '' });
    await completeImport(it);
    await Promise.all([begun.ended, resumed.ended, again.ended]);

    expect(new Set([...ids(begun).slice(0, 10), ...ids(resumed)]).size).toBe(128);
    expect(sorted([...new Set(ids(begun))])).toEqual(all());
    expect(ids(again)).toEqual(ids(resumed).slice(-4));
  });

  it('ends at the limit, counted over reconnections, and is not begun again after its end', async () => {
    await using it = await preparedImport(content(), served);
    await loadChunks(it, it.chunks);
    await using gateway = await gatewayOf(it);
    const url = `${gateway.url}/things/sse?limit=10`;

    await using client = await eventClient(url);
    await client.ended;
    const sixth = client.events.filter(({ event }) => event === 'message')[5];
    await using rest = await eventClient(url, { 'last-event-id': sixth?.id ?? '' });
    await rest.ended;
    await using after = await eventClient(url, { 'last-event-id': rest.lastId() ?? '' });
    await using foreign = await eventClient(url, { 'last-event-id': 'e.somebody-elses.5' });
    await foreign.ended;

    expect(client.rows()).toHaveLength(10);
    expect(rest.rows()).toEqual(client.rows().slice(6));
    expect(JSON.parse(rest.events.at(-1)?.data ?? '')).toMatchObject({ why: 'Limit', rows: 10 });
    expect([after.status, after.events]).toEqual([204, []]);
    expect(foreign.rows()).toHaveLength(10);
  });

  it('tells counts and why it ended, sends a few rows of each chunk when asked, and refuses the rest', async () => {
    await using it = await preparedImport(content(), served);
    await using gateway = await gatewayOf(it);
    await using client = await eventClient(`${gateway.url}/things/events?sample=3`);
    await loadChunks(it, it.chunks);
    await expect.poll(() => client.rows().length, patience).toBe(3 * it.chunks.length);
    await completeImport(it, 'Failed');
    await client.ended;
    const [last, end] = client.events.slice(-2);
    const refused = await gateway.get('/things/events?first_name=a');

    expect(JSON.parse(last?.data ?? '')).toMatchObject({
      state: 'Failed',
      read: 128,
      chunks: { done: it.chunks.length },
    });
    expect(JSON.parse(end?.data ?? '')).toMatchObject({ why: 'Failed' });
    expect([refused.status, refused.code]).toEqual([400, 'UnknownParameter']);
  });

  it('gives a client what was committed before it came, though others just read the same pages', async () => {
    await using it = await preparedImport(content(), served);
    await using gateway = await gatewayOf(it);
    const url = `${gateway.url}/things/events`;

    await using early = await eventClient(url);
    await expect.poll(() => early.events.length, patience).toBeGreaterThan(0);
    await loadChunks(it, it.chunks);
    // Sees what was committed, so that a client who comes now is told that it is there already.
    await expect.poll(() => ids(early).length, { interval: 10, ...patience }).toBeGreaterThan(0);
    await using late = await eventClient(url);
    await completeImport(it);
    await Promise.all([early.ended, late.ended]);

    // A row may come twice: with the snapshot's pages, and with its chunk.
    expect(sorted([...new Set(ids(early))])).toEqual(all());
    expect(sorted([...new Set(ids(late))])).toEqual(all());
  });

  it('sends rows that are larger than a page whole, in both phases', async () => {
    const value = (id: number): string => `${String(id)} ${'é€🎉'.repeat(20_000)}`;
    const lines = all(5).map((id) => `${String(id)},${value(id)}\n`);
    const maxRecordBytes = 1024 * 1024;
    const content = `id,value\n${lines.join('')}`;
    await using it = await preparedImport(content, { ...served, maxRecordBytes });
    await loadChunks(it, it.chunks.slice(0, 2));
    await using gateway = await gatewayOf(it);

    await using client = await eventClient(`${gateway.url}/things/events`);
    await expect.poll(() => ids(client).length, patience).toBe(2);
    await loadChunks(it, it.chunks.slice(2));
    await completeImport(it);
    await client.ended;

    const rows = client.rows().map((row) => JSON.parse(row) as { id: number; value: string });
    expect(rows).toEqual(all(5).map((id) => ({ id, value: value(id) })));
  });

  it('begins anew at a place that the order of the table does not have', async () => {
    await using it = await preparedImport(content(), served);
    await loadChunks(it, it.chunks);
    await using gateway = await gatewayOf(it);
    const url = `${gateway.url}/things/events?limit=2`;
    await using client = await eventClient(url);
    await expect.poll(() => client.rows().length, patience).toBeGreaterThan(0);
    const place = client.events.find(({ event }) => event === 'message')?.id?.split('.') ?? [];
    const idAfter = (...values: readonly string[]): string =>
      [...place.slice(0, -1), Buffer.from(JSON.stringify(values)).toString('base64url')].join('.');

    await using longer = await eventClient(url, { 'last-event-id': idAfter('5', '5') });
    await using other = await eventClient(url, { 'last-event-id': idAfter('no number') });
    await using same = await eventClient(url, { 'last-event-id': idAfter('5') });
    await Promise.all([longer.ended, other.ended, same.ended]);

    expect([ids(longer), ids(other), ids(same)]).toEqual([[0], [0], [6]]);
  });

  it('ends streams at their age where tokens are asked for, and identifies who comes back', async () => {
    await using it = await preparedImport(content(), {
      serve: { enabled: true, filters: [], auth: { mode: 'Tokens' } },
    });
    await loadChunks(it, it.chunks.slice(0, 1));
    const staying = 'ann:token-of-ann-0123456789';
    let tokens = `${staying}\nbob:token-of-bob-0123456789`;
    await using gateway = await testGateway({
      config: it.config,
      postgresUrl: it.env['POSTGRES_URL'] ?? '',
      tokens: () => tokens,
      streamAgeMs: 300,
    });
    const url = `${gateway.url}/things/events`;
    const come = (name: string, id = '') =>
      eventClient(url, {
        authorization: `Bearer token-of-${name}-0123456789`,
        'last-event-id': id,
      });

    await using ann = await come('ann');
    await using bob = await come('bob');
    tokens = staying;
    const wereEnded = await Promise.all([ann.ended, bob.ended]);
    await expect.poll(async () => (await come('bob')).status, patience).toBe(401);
    await loadChunks(it, it.chunks.slice(1));
    await completeImport(it);
    const received = [...ann.events];
    while (received.at(-1)?.event !== 'end') {
      await using again = await come('ann', received.findLast(({ id }) => id !== undefined)?.id);
      expect(await again.ended).toBe(true);
      received.push(...again.events);
    }
    const rows = received.filter(({ event }) => event === 'message');
    const found = new Set(rows.map(({ data }) => (JSON.parse(data) as { id: number }).id));

    expect(wereEnded).toEqual([true, true]);
    expect(sorted([...found])).toEqual(all());
  });

  it('lets no client of a gateway that is stopped see an error, or lose its place', async () => {
    await using it = await preparedImport(content(), served);
    await loadChunks(it, it.chunks.slice(0, 2));
    await using next = await gatewayOf(it);
    const leaving = await gatewayOf(it);
    await using client = await eventClient(`${leaving.url}/things/events`);
    await expect.poll(() => client.rows().length, patience).toBeGreaterThan(0);

    await leaving[Symbol.asyncDispose]();
    const wasEnded = await client.ended;
    const before = ids(client);
    await using resumed = await eventClient(`${next.url}/things/events`, {
      'last-event-id': client.lastId() ?? '',
    });
    await loadChunks(it, it.chunks.slice(2));
    await completeImport(it);
    await resumed.ended;

    expect(wasEnded).toBe(true);
    expect(sorted([...before, ...ids(resumed)])).toEqual(all());
  });
});
