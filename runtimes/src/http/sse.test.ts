import { describe, expect, it } from 'vitest';
import { eventClient } from '../../test/event-client.ts';
import { exchanged, httpService, rawClient } from '../../test/http-service.ts';
import type { EventSink } from './server.ts';

const untilGone = (signal: AbortSignal): Promise<unknown> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', resolve);
  });

function streaming(events: (sink: EventSink) => Promise<void>, limits = {}) {
  return httpService(async () => ({ body: '', events }), { limits });
}

const request = (more = ''): string => `GET / HTTP/1.1\r\nhost: test\r\n${more}\r\n`;

describe('server-sent events', () => {
  it('arrive as they are sent, with their ids, and line ends of any kind stay inside one event', async () => {
    await using it = await streaming(async (sink) => {
      await sink.send([
        { event: 'first', id: 'a1', data: 'one' },
        { data: 'two\nlines\r\nor\rmore' },
      ]);
    });

    await using client = await eventClient(it.url);
    const wasEnded = await client.ended;

    expect([client.status, client.type]).toEqual([200, 'text/event-stream; charset=utf-8']);
    expect(client.events).toEqual([
      { event: 'first', id: 'a1', data: 'one' },
      { event: 'message', id: undefined, data: 'two\nlines\nor\nmore' },
    ]);
    expect(wasEnded).toBe(true);
  });

  it('keep every character of one that is sent in pieces', async () => {
    const data = ['x', ''].map((start) => `${start}${'🎉'.repeat(70_000)}\n${'é€'.repeat(40_000)}`);
    await using it = await streaming((sink) => sink.send(data.map((one) => ({ data: one }))));

    await using client = await eventClient(it.url);
    await client.ended;

    expect(client.events.map((event) => event.data)).toEqual(data);
  });

  it('drop a client that takes too little of one in the time it has', async () => {
    await using it = await streaming((sink) => sink.send([{ data: 'x'.repeat(32_000_000) }], 100));
    const client = rawClient(it.service.port);
    client.socket.pause();
    client.send(request());

    await expect
      .poll(() => it.metrics.metrics(), { timeout: 5_000 })
      .toContain('millrace_http_event_streams_dropped_total 1');

    client.socket.destroy();
  });

  it('are kept alive by comments while nothing happens, and not within an event', async () => {
    await using it = await streaming(
      async (sink) => {
        await sink.send([{ data: 'x'.repeat(1_000_000) }]);
        await untilGone(sink.signal);
      },
      { streamHeartbeatMs: 5 },
    );

    await using client = await eventClient(it.url);

    await expect.poll(() => client.comments.length, { timeout: 5_000 }).toBeGreaterThan(1);
    expect(client.events.map(({ data }) => data.length)).toEqual([1_000_000]);
  });

  it('hold at most 256 KiB for a client that does not read, which is then dropped', async () => {
    let written = 0;
    let wasTold = false;
    await using it = await streaming(
      async (sink) => {
        while (!sink.signal.aborted) {
          await sink.send([{ data: 'x'.repeat(30_000) }]);
          written += 30_000;
        }
        wasTold = true;
      },
      { streamStallMs: 100 },
    );
    const client = rawClient(it.service.port);
    client.socket.pause();
    client.send(request());

    await expect.poll(() => wasTold, { timeout: 10_000 }).toBe(true);
    // The producer is told before the stream is counted out.
    await expect.poll(() => it.metrics.metrics()).toContain('millrace_http_event_streams 0');

    expect(await it.metrics.metrics()).toContain('millrace_http_event_streams_dropped_total 1');
    // What the kernels of both sides took before they were full, and no more than that.
    expect(written).toBeLessThan(32 * 1024 * 1024);
    client.socket.destroy();
  });

  it('end their producer at once when the client goes away', async () => {
    let ends = 0;
    await using it = await streaming(async (sink) => {
      await untilGone(sink.signal);
      ends += 1;
    });
    const client = await eventClient(it.url);

    await client[Symbol.asyncDispose]();

    await expect.poll(() => ends).toBe(1);
  });

  it('end cleanly in a drain, so that no client sees a broken connection', async () => {
    await using it = await streaming(async (sink) => {
      await sink.send([{ id: '7', data: 'row' }]);
      await untilGone(sink.signal);
    });
    await using client = await eventClient(it.url);
    await expect.poll(() => client.events.length).toBe(1);

    const draining = it.service.drain({ propagationMs: 100, finishMs: 5_000 });
    const late = await eventClient(it.url);
    await draining;

    expect([await client.ended, await late.ended]).toEqual([true, true]);
    expect(late.events).toHaveLength(1);
    expect(client.lastId()).toBe('7');
  });

  it('end cleanly at their age, where they have one', async () => {
    await using it = await streaming(
      async (sink) => {
        await sink.send([{ id: '7', data: 'row' }]);
        await untilGone(sink.signal);
      },
      { streamAgeMs: 20 },
    );

    await using client = await eventClient(it.url);

    expect(await client.ended).toBe(true);
    expect(client.lastId()).toBe('7');
  });

  it('count for no requests in flight, and have a bound of their own', async () => {
    await using it = await streaming((sink) => untilGone(sink.signal).then(() => undefined), {
      streamsMax: 1,
      answerTimeoutMs: 50,
    });
    await using client = await eventClient(it.url);

    const refused = await fetch(it.url);

    expect([client.status, refused.status]).toEqual([200, 503]);
    expect(refused.headers.get('content-type')).toBe('application/json; charset=utf-8');
    await expect.poll(() => it.inFlight()).toBe(0);
    expect(await it.metrics.getSingleMetricAsString('millrace_http_event_streams')).toContain(
      'millrace_http_event_streams 1',
    );
  });

  it('are none for HEAD, and an answer without content says no length', async () => {
    let asked = 0;
    await using stream = await streaming(async () => {
      asked += 1;
    });
    await using none = await httpService(async () => ({ status: 204, body: '' }));

    const head = await fetch(stream.url, { method: 'HEAD' });
    const empty = await exchanged(none.service.port, request('connection: close\r\n'));

    expect([head.status, head.headers.get('content-type'), asked]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
      0,
    ]);
    expect(empty).toMatch(/^HTTP\/1\.1 204 /);
    expect(empty).not.toMatch(/content-length|content-type/i);
  });
});
