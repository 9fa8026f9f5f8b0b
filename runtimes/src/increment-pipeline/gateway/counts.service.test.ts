import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import { incrementStreams, itemsOf, keyOf } from '../../../test/increment-streams.ts';
import { preparedPipeline, type PreparedPipeline } from '../../../test/increment-worker.ts';
import { anotherPipeline, pipelineGateway } from '../../../test/pipeline-gateway.ts';
import { appendUse } from '../stream/append-call.ts';
import { appendScript } from '../stream/scripts.ts';
import { acceptedKey, streamKey } from '../stream/names.ts';

const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

interface Count {
  readonly key: string;
  readonly value: number;
  readonly updatedAt: string;
}

const countsOf = (data: unknown) =>
  (data as readonly Count[]).map(({ key, value }) => [key, value]);

describe.skipIf(lacks('postgres', 'redis'))('the gateway that serves sums', () => {
  let host: PreparedPipeline;

  beforeAll(async () => {
    host = await preparedPipeline();
  });
  afterAll(async () => {
    await host[Symbol.asyncDispose]();
  });

  /** A pipeline whose table holds the keys 1 to `rows` with their number as value. */
  async function pipelineWith(rows: number): Promise<PreparedPipeline> {
    const pipeline = await anotherPipeline(host);
    await pipeline.owner.query(
      `INSERT INTO ${pipeline.config.target.table}
       SELECT ('00000000-0000-4000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, i, '2026-01-02T03:04:05.678Z'
       FROM generate_series(1, ${rows}) i`,
    );
    return pipeline;
  }

  it('answers one count exactly as it is stored', async () => {
    await using pipeline = await pipelineWith(1);
    await pipeline.owner.query(
      `INSERT INTO ${pipeline.config.target.table} VALUES ('${keyOf(9)}', 9223372036854775807, '2026-01-02T00:00:00+01:00')`,
    );
    await using gateway = await pipelineGateway(pipeline);

    const count = await gateway.get(`/counts/${keyOf(1)}`);
    const largest = await gateway.get(`/counts/${keyOf(9).toUpperCase()}`);
    const head = await gateway.request(`/counts/${keyOf(1)}`, { method: 'HEAD' });

    expect(count.text).toBe(
      `{"status":"success","data":{"key":"${keyOf(1)}","value":1,"updatedAt":"2026-01-02T03:04:05.678Z"}}`,
    );
    expect(largest.text).toContain(
      '"value":9223372036854775807,"updatedAt":"2026-01-01T23:00:00.000Z"',
    );
    expect([head.status, head.text]).toEqual([200, '']);
  });

  it('refuses what it cannot answer', async () => {
    await using pipeline = await pipelineWith(3);
    await using gateway = await pipelineGateway(pipeline);
    const { next } = await gateway.get('/counts?limit=1');
    const { next: freshNext } = await gateway.get('/counts?limit=1&fresh=true');
    const expected: readonly (readonly [string, number, string])[] = [
      [`/counts/${keyOf(4)}`, 404, 'NotFound'],
      [`/counts/${keyOf(4)}?fresh=true`, 404, 'NotFound'],
      ['/counts/', 400, 'BadKey'],
      [`/counts/${keyOf(1).replaceAll('-', '')}`, 400, 'BadKey'],
      [`/counts/%7B${keyOf(1)}%7D`, 400, 'BadKey'],
      ['/counts/00000000-0000-0000-0000-000000000000', 400, 'BadKey'],
      ['/counts/%zz', 400, 'BadUrl'],
      [`/counts/${keyOf(1)}?limit=1`, 400, 'UnknownParameter'],
      [`/counts/${keyOf(1)}?fresh=1`, 400, 'BadParameter'],
      ['/counts?fresh=TRUE', 400, 'BadParameter'],
      ['/counts?fresh=', 400, 'BadParameter'],
      ['/counts?limit=0', 400, 'BadLimit'],
      ['/counts?limit=1001', 400, 'BadLimit'],
      ['/counts?cursor=nonsense', 400, 'BadCursor'],
      ['/counts?cursor=&limit=1', 400, 'BadCursor'],
      ['/counts?key=1', 400, 'UnknownParameter'],
      [`/counts?fresh=true&cursor=${next}`, 400, 'BadCursor'],
      [`/counts?cursor=${freshNext}`, 400, 'BadCursor'],
    ];

    for (const [path, status, code] of expected) {
      const answer = await gateway.get(path);

      expect([path, answer.status, answer.code]).toEqual([path, status, code]);
    }
  });

  it('gives every count once, in the order of the keys, whatever the size of a page', async () => {
    await using pipeline = await pipelineWith(120);
    await using gateway = await pipelineGateway(pipeline);
    const all = Array.from({ length: 120 }, (_, at) => [keyOf(at + 1), at + 1]);

    for (const fresh of ['', '&fresh=true']) {
      for (const limit of [7, 50, 120, 121]) {
        const found: unknown[] = [];
        let cursor = '';
        do {
          const page = await gateway.get(`/counts?limit=${limit}${fresh}${cursor}`);
          found.push(...countsOf(page.data));
          cursor = typeof page.next === 'string' ? `&cursor=${page.next}` : '';
        } while (cursor !== '');

        expect(found).toEqual(all);
      }
    }
    expect((await gateway.get('/counts')).data).toHaveLength(50);
  });

  it('adds with fresh what is not committed, in pages as well', async () => {
    await using pipeline = await pipelineWith(4);
    await using gateway = await pipelineGateway(pipeline);
    const items = [
      { key: keyOf(2), value: 10 },
      { key: keyOf(3), value: 1 },
      { key: keyOf(3), value: 2 },
      { key: keyOf(5), value: 5 },
      { key: keyOf(0x30), value: 7 },
    ];
    await gateway.post('/increments', items);
    await gateway.post('/increment', { key: keyOf(2), value: 100 }, { 'idempotency-key': 'a' });
    await gateway.post('/increment', { key: keyOf(2), value: 100 }, { 'idempotency-key': 'a' });

    const committed = await gateway.get('/counts');
    const fresh = await gateway.get('/counts?fresh=true');
    const first = await gateway.get('/counts?fresh=true&limit=4');
    const second = await gateway.get(`/counts?fresh=true&limit=4&cursor=${first.next}`);
    const one = await gateway.get(`/counts/${keyOf(2)}?fresh=true`);
    const only = await gateway.get(`/counts/${keyOf(5)}?fresh=true`);

    expect(countsOf(committed.data)).toEqual([1, 2, 3, 4].map((n) => [keyOf(n), n]));
    const expected = [
      [keyOf(1), 1],
      [keyOf(2), 112],
      [keyOf(3), 6],
      [keyOf(4), 4],
      [keyOf(5), 5],
      [keyOf(0x30), 7],
    ];
    expect(countsOf(fresh.data)).toEqual(expected);
    expect(countsOf(first.data)).toEqual(expected.slice(0, 4));
    expect(countsOf(second.data)).toEqual(expected.slice(4));
    expect(second.next).toBeNull();
    expect([one.data, only.data]).toMatchObject([{ value: 112 }, { value: 5 }]);
    expect((one.data as Count).updatedAt).toMatch(rfc3339);
    expect((one.data as Count).updatedAt > '2026-01-03').toBe(true);
  });

  it('counts with fresh neither twice nor not at all while workers commit', async () => {
    await using pipeline = await anotherPipeline(host, {
      flush: { intervalMs: 100, maxKeys: 5_000, staleAfterMs: 8_000 },
    });
    await using gateway = await pipelineGateway(pipeline);
    await using streams = await incrementStreams(pipeline);
    streams.startWorker();
    const target = `/counts/${keyOf(1)}?fresh=true`;

    // Each answer must have all that was accepted before it was asked, and nothing more.
    for (let accepted = 1; accepted <= 60; accepted++) {
      const headers: Record<string, string> =
        accepted % 3 === 0 ? { 'idempotency-key': `request-${accepted}` } : {};
      const increment = { key: keyOf(1), value: 1 };
      expect((await gateway.post('/increment', increment, headers)).status).toBe(200);
      const answer = await gateway.get(target);

      expect([accepted, answer.data]).toMatchObject([accepted, { value: accepted }]);
    }
    await expect
      .poll(() => pipeline.sums(), { timeout: 10_000 })
      .toEqual(new Map([[keyOf(1), 60n]]));
  });

  it('counts a repetition of a committed request not again, though Redis forgot the first', async () => {
    await using pipeline = await anotherPipeline(host);
    await using gateway = await pipelineGateway(pipeline);
    await using streams = await incrementStreams(pipeline);
    const increment = { key: keyOf(1), value: 7 };
    const headers = { 'idempotency-key': 'once' };
    const worker = streams.startWorker();
    await gateway.post('/increment', increment, headers);
    await expect
      .poll(() => pipeline.sums(), { timeout: 10_000 })
      .toEqual(new Map([[keyOf(1), 7n]]));
    await worker.stop();
    const claims = `millrace:{${pipeline.uid}}:requests`;
    await streams.link.call('Forgetting', ['DEL', claims, `${claims.slice(0, -1)}-times`]);

    const again = await gateway.post('/increment', increment, headers);

    expect(again.status).toBe(200);
    expect((await gateway.progress()).backlog.increments).toBe(1);
    expect((await gateway.get(`/counts/${keyOf(1)}?fresh=true`)).data).toMatchObject({ value: 7 });
  });

  it('refuses a fresh read of too large a backlog, and still answers what is committed', async () => {
    await using pipeline = await pipelineWith(1);
    await using gateway = await pipelineGateway(pipeline);
    await using streams = await incrementStreams(pipeline);
    const place = streams.place(0);
    const items = itemsOf(...Array.from({ length: 10_000 }, () => [keyOf(1), 1] as const));
    for (let entry = 0; entry < 72; entry++) {
      const use = appendUse(acceptedKey(pipeline.uid), [
        { key: streamKey(place), entries: [items] },
      ]);
      await streams.link.script('Appending', appendScript, use);
    }

    const fresh = await gateway.get(`/counts/${keyOf(1)}?fresh=true`);
    const committed = await gateway.get(`/counts/${keyOf(1)}`);

    expect([fresh.status, fresh.code]).toEqual([503, 'BacklogTooLarge']);
    expect(fresh.headers.get('retry-after')).toBe('1');
    expect(committed.data).toMatchObject({ value: 1 });
  });
});
