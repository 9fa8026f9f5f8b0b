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
    await expect.poll(() => ids(client).length).toBeGreaterThan(0);
    const snapshot = ids(client).length;
    await loadChunks(it, others.toReversed());
    await expect.poll(() => ids(client).length).toBe(128);
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
    const work = chunkWork(it);
    const held = it.app.transaction(async (tx) => {
      const claim = await claimChunk(tx, { import: it.uid, chunk: slow }, 'test');
      if (!claim.claimed) throw new Error(claim.why);
      await loadClaimed(tx, claim.chunk, { context: await readContext(work), options: work });
      await committing.promise;
    });
    await loadChunks(it, others.slice(0, 1));
    await using begun = await eventClient(url);
    await expect.poll(() => begun.rows().length).toBeGreaterThan(40);
    const inSnapshot = begun.events.filter(({ event }) => event === 'message')[9];
    await loadChunks(it, others.slice(1));
    await expect.poll(() => ids(begun).includes(0)).toBe(true);
    await using resumed = await eventClient(url, { 'last-event-id': inSnapshot?.id ?? '' });
    await expect.poll(() => ids(resumed).includes(0)).toBe(true);
    committing.resolve();
    await held;
    const missing = 128 - new Set(ids(begun).slice(0, 10)).size;
    await expect.poll(() => new Set(ids(resumed)).size).toBe(missing);
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
    await expect.poll(() => client.rows().length).toBe(3 * it.chunks.length);
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

  it('lets no client of a gateway that is stopped see an error, or lose its place', async () => {
    await using it = await preparedImport(content(), served);
    await loadChunks(it, it.chunks.slice(0, 2));
    await using next = await gatewayOf(it);
    const leaving = await gatewayOf(it);
    await using client = await eventClient(`${leaving.url}/things/events`);
    await expect.poll(() => client.rows().length).toBeGreaterThan(0);

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
