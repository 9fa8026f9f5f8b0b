/** Watches on a server that says the wrong things, or nothing. */
import { systemClock } from '@millrace/kit/clock';
import { describe, expect, test, vi } from 'vitest';
import { configMaps } from '../../test/contract/target.ts';
import type { WatchEvent, WatchOptions } from '../machinery/kube-api.ts';
import { createHttpApi } from './http-api.ts';
import type { TransportLimits } from './limits.ts';
import {
  fakeServer,
  inTurn,
  query,
  silence,
  status,
  type Answer,
  type FakeServer,
} from './test/fake-server.ts';

const event = (type: string, version: string, data: unknown = {}) => ({
  type,
  object: {
    kind: 'ConfigMap',
    metadata: { namespace: 'team', name: 'a', resourceVersion: version },
    data,
  },
});
const line = (value: unknown) => `${JSON.stringify(value)}\n`;

/** Sends these pieces, each by itself, and ends as told. */
function sending(pieces: readonly (string | Buffer)[], ending: 'end' | 'cut' | 'stay'): Answer {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    const [...left] = pieces;
    const next = () => {
      const piece = left.shift();
      if (piece !== undefined) response.write(piece, () => setImmediate(next));
      else if (ending === 'end') response.end();
      else if (ending === 'cut') response.destroy();
    };
    next();
  };
}

function watching(
  server: FakeServer,
  {
    limits,
    ...options
  }: Partial<WatchOptions> & { readonly limits?: Partial<TransportLimits> } = {},
) {
  const api = createHttpApi({
    connection: server.connection,
    clock: systemClock,
    ...(limits === undefined ? {} : { limits }),
  });
  const { signal } = new AbortController();
  return api.watch(configMaps, { namespace: 'team', resourceVersion: '7', signal, ...options });
}

async function all(events: AsyncIterable<WatchEvent>): Promise<WatchEvent[]> {
  const seen: WatchEvent[] = [];
  for await (const one of events) seen.push(one);
  return seen;
}

describe('a watch', () => {
  test('asks for bookmarks, from its version, for four to eight minutes', async () => {
    await using server = await fakeServer(sending([], 'end'));

    await all(watching(server, { labels: { app: 'x', 'a/b': 'y' } }));

    const asked = query(server.requests[0]);
    expect(Object.fromEntries(asked)).toMatchObject({
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: '7',
      labelSelector: 'app=x,a/b=y',
    });
    expect(Number(asked.get('timeoutSeconds'))).toBeGreaterThanOrEqual(240);
    expect(Number(asked.get('timeoutSeconds'))).toBeLessThanOrEqual(480);
  });

  test('puts events together from whatever pieces arrive', async () => {
    const bytes = Buffer.from(
      line(event('ADDED', '8', { é: '日本' })) + line(event('DELETED', '9')),
    );
    const pieces = [...bytes].map((byte) => Buffer.from([byte]));
    await using server = await fakeServer(sending(pieces, 'end'));

    const seen = await all(watching(server));

    expect(seen).toEqual([event('ADDED', '8', { é: '日本' }), event('DELETED', '9')]);
  });

  test('hands over several events of one piece, bookmarks among them, each trimmed', async () => {
    const text = line(event('MODIFIED', '8')) + line(event('BOOKMARK', '12'));
    await using server = await fakeServer(sending([text], 'end'));

    const seen = await all(watching(server, { trim: (given) => ({ ...given, data: 'trimmed' }) }));

    expect(seen).toMatchObject([
      { type: 'MODIFIED', object: { data: 'trimmed' } },
      { type: 'BOOKMARK', resourceVersion: '12' },
    ]);
  });

  const expired = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' };
  const failsAs = async (reason: string, server: FakeServer) => {
    const limits = { lineBytesMax: 2000, watchHeadersMs: 500 };
    await expect(all(watching(server, { limits }))).rejects.toMatchObject({ reason });
  };

  test.each([
    ['Gone', 'a version that is too old, by answer', status(410, 'Expired')],
    ['InternalError', 'an error', status(500, 'InternalError')],
    ['TooManyRequests', 'too many watches', status(429, 'TooManyRequests')],
    ['InternalError', 'an end within a line', sending(['{"type":'], 'end')],
  ])('fails as %s at %s', async (reason, _what, answer) => {
    await using server = await fakeServer(answer);

    await failsAs(reason, server);
  });

  const gone = line({ type: 'ERROR', object: expired });
  test.each([
    ['Gone', 'a version that is too old, by event', sending([gone], 'stay')],
    [
      'InternalError',
      'an error event of any other kind',
      sending([line({ type: 'ERROR' })], 'stay'),
    ],
    ['InternalError', 'a line that is not JSON', sending(['{"type":"ADD\n'], 'stay')],
    ['InternalError', 'a line that is no event', sending(['null\n'], 'stay')],
    ['InternalError', 'an event without an object', sending([line({ type: 'ADDED' })], 'stay')],
    [
      'InternalError',
      'an event of an unknown type',
      sending([line(event('CHANGED', '8'))], 'stay'),
    ],
    ['InternalError', 'a line beyond its bound', sending(['x'.repeat(3000)], 'stay')],
    ['Unavailable', 'a connection that breaks', sending([line(event('ADDED', '8'))], 'cut')],
    ['Timeout', 'a server that does not answer', silence],
  ])('fails as %s at %s, and leaves no connection', async (reason, _what, answer) => {
    await using server = await fakeServer(answer);

    await failsAs(reason, server);

    await vi.waitFor(() => expect(server.connectionsOpen()).toBe(0));
  });

  test('fails on a refused token only when a new one is refused too', async () => {
    const refused = status(401, 'Unauthorized');
    await using server = await fakeServer(inTurn(refused, sending([], 'end')));
    expect(await all(watching(server))).toEqual([]);

    await using hostile = await fakeServer(refused);
    await expect(all(watching(hostile))).rejects.toMatchObject({ reason: 'Unauthorized' });

    expect(hostile.requests).toHaveLength(2);
  });

  test('on a half-open connection ends by itself, to be asked for again from where it was', async () => {
    await using server = await fakeServer(sending([line(event('ADDED', '8'))], 'stay'));

    const seen = await all(watching(server, { limits: { watchIdleMs: 100 } }));

    expect(seen).toHaveLength(1);
    await vi.waitFor(() => expect(server.connectionsOpen()).toBe(0));
  });

  test('does not count the time that its consumer takes as silence', async () => {
    await using server = await fakeServer(
      sending(
        ['8', '9'].map((at) => line(event('ADDED', at))),
        'end',
      ),
    );
    const seen: WatchEvent[] = [];

    for await (const one of watching(server, { limits: { watchIdleMs: 100 } })) {
      seen.push(one);
      await systemClock.sleep(150);
    }

    expect(seen).toHaveLength(2);
  });

  test('closes its connection when its signal aborts', async () => {
    await using server = await fakeServer(sending([line(event('ADDED', '8'))], 'stay'));
    const stop = new AbortController();
    const ended = (async () => {
      for await (const _event of watching(server, { signal: stop.signal })) stop.abort();
    })();

    await ended;

    await vi.waitFor(() => expect(server.connectionsOpen()).toBe(0));
  });

  test('ends at once when its signal aborts before there is an answer, or before it begins', async () => {
    await using server = await fakeServer(silence);
    const stop = new AbortController();
    const ended = all(watching(server, { signal: stop.signal }));
    await vi.waitFor(() => expect(server.requests).toHaveLength(1));

    stop.abort();

    expect(await ended).toEqual([]);
    expect(await all(watching(server, { signal: stop.signal }))).toEqual([]);
    expect(server.requests).toHaveLength(1);
  });

  test('closes its connection when its consumer stops reading', async () => {
    await using server = await fakeServer(sending([line(event('ADDED', '8'))], 'stay'));

    for await (const _event of watching(server)) break;

    await vi.waitFor(() => expect(server.connectionsOpen()).toBe(0));
  });

  test('reads no further than its consumer does', async () => {
    let written = 0;
    let stalledAt = -1;
    const text = line(event('ADDED', '8', { text: 'x'.repeat(60_000) }));
    await using server = await fakeServer((_request, response) => {
      const more = () => {
        while (written < 100_000_000) {
          written += text.length;
          if (!response.write(text)) break;
        }
        response.once('drain', more);
      };
      more();
    });
    const events = watching(server)[Symbol.asyncIterator]();
    await events.next();

    // Loopback holds some megabytes; a reader that does not wait would take all hundred.
    await vi.waitFor(
      () => {
        const before = stalledAt;
        stalledAt = written;
        expect(stalledAt).toBe(before);
      },
      { interval: 200, timeout: 10_000 },
    );

    expect(stalledAt).toBeLessThan(50_000_000);
    await events.return?.();
  });
});
