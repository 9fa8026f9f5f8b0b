/** What a call does on a server that misbehaves in ways a real one cannot be made to. */
import { inspect } from 'node:util';
import { systemClock, type Clock } from '@millrace/kit/clock';
import { describe, expect, test, vi } from 'vitest';
import { configMap, configMaps, name } from '../../test/contract/target.ts';
import { createHttpApi, type HttpApiOptions, type HttpKubeApi } from './http-api.ts';
import { fakeServer, inTurn, json, silence, status, type FakeServer } from './test/fake-server.ts';
import type { ApiCallEvents } from './transport.ts';

const ref = { namespace: 'team', name };
const stored = { kind: 'ConfigMap', apiVersion: 'v1', metadata: { ...ref, uid: 'u' } };
const token = 'a-very-secret-token';

interface Opened extends AsyncDisposable {
  readonly api: HttpKubeApi;
  readonly calls: Parameters<ApiCallEvents['called']>[0][];
  /** What was slept instead of sleeping. */
  readonly pauses: number[];
}

function open(server: FakeServer, options: Partial<HttpApiOptions> = {}): Opened {
  const pauses: number[] = [];
  const calls: Opened['calls'] = [];
  const clock: Clock = {
    ...systemClock,
    sleep: (ms) => {
      pauses.push(ms);
      return Promise.resolve();
    },
  };
  const connection = {
    ...server.connection,
    credentials: { type: 'token', token: { text: token } },
  } as const;
  const events = { called: (event: Opened['calls'][number]) => void calls.push(event) };
  const api = createHttpApi({ connection, clock, events, ...options });
  return { api, calls, pauses, [Symbol.asyncDispose]: async () => await api.close() };
}

describe('connections', () => {
  test('a thousand calls one after the other need at most two', async () => {
    await using server = await fakeServer(json(stored));
    await using opened = open(server);

    for (let call = 0; call < 1000; call++) await opened.api.get(configMaps, ref);

    expect(server.requests).toHaveLength(1000);
    expect(server.connectionsMade()).toBeLessThanOrEqual(2);
  });

  test('a hundred calls at once get sixteen, and all get their answers', async () => {
    await using server = await fakeServer((request, response) => {
      setImmediate(() => json(stored)(request, response));
    });
    await using opened = open(server);

    const answers = await Promise.all(
      Array.from({ length: 100 }, async () => await opened.api.get(configMaps, ref)),
    );

    expect(answers).toHaveLength(100);
    expect(server.connectionsMade()).toBeLessThanOrEqual(16);
  });

  test('calls that wait for their turn are not timed out by those before them', async () => {
    await using server = await fakeServer((request, response) => {
      setTimeout(() => json(stored)(request, response), 60);
    });
    await using opened = open(server, { limits: { connectionsMax: 1, attemptMs: 150 } });

    const answers = await Promise.allSettled(
      Array.from({ length: 6 }, async () => await opened.api.get(configMaps, ref)),
    );

    expect(answers.map((answer) => answer.status)).toEqual(Array(6).fill('fulfilled'));
  });

  test('a silent server costs one deadline, and its connections are not used again', async () => {
    await using server = await fakeServer(
      inTurn(json(stored), json(stored), silence, json(stored)),
    );
    await using opened = open(server, { limits: { attemptMs: 100 } });
    // Two connections, of which one will be silent and the other leads to the same peer.
    await Promise.all([opened.api.get(configMaps, ref), opened.api.get(configMaps, ref)]);
    const before = server.connectionsMade();

    const lost = opened.api.patch(configMaps, ref, { data: {} });
    await expect(lost).rejects.toMatchObject({ reason: 'Timeout' });
    const found = await opened.api.get(configMaps, ref);

    expect(found).toEqual(stored);
    expect(server.connectionsMade()).toBe(before + 1);
    await vi.waitFor(() => expect(server.connectionsOpen()).toBe(1));
  });

  test('closing ends what is under way', async () => {
    await using server = await fakeServer(silence);
    const { api } = open(server);
    const call = api.get(configMaps, ref);
    const settled = expect(call).rejects.toMatchObject({ reason: 'Unavailable' });
    await vi.waitFor(() => expect(server.requests).toHaveLength(1));

    await api.close();

    await settled;
    await vi.waitFor(() => expect(server.connectionsOpen()).toBe(0));
  });
});

describe('a failure', () => {
  test.each([
    ['a refusal', status(403, 'Forbidden'), 'Forbidden'],
    ['an error of the server', status(500, 'InternalError'), 'InternalError'],
    ['a shortage without a time to come back', status(503, 'ServiceUnavailable'), 'Unavailable'],
    ['a conflict', status(409, 'Conflict'), 'Conflict'],
    ['a name that is taken', status(409, 'AlreadyExists'), 'AlreadyExists'],
    ['a namespace that is not there', status(404, 'NotFound'), 'NotFound'],
    ['a page of a proxy', json('<html>', 502), 'Unavailable'],
    ['a redirect', json({}, 302, { location: 'http://127.0.0.1:1/' }), 'InternalError'],
    ['an answer that is no object', json(['a']), 'InternalError'],
  ])('%s is told by its reason, after one request', async (_what, answer, reason) => {
    await using server = await fakeServer(answer);
    await using opened = open(server);

    const create = opened.api.create(configMaps, configMap('team', {}));

    await expect(create).rejects.toMatchObject({ name: 'KubeFailure', reason });
    expect(server.requests).toHaveLength(1);
  });

  test('of bytes that are not JSON says so', async () => {
    await using server = await fakeServer((_request, response) => response.end('{"kind": "Conf'));
    await using opened = open(server);

    const get = opened.api.get(configMaps, ref);

    await expect(get).rejects.toMatchObject({
      reason: 'InternalError',
      message: expect.stringContaining('not JSON') as string,
    });
  });

  test('of an answer beyond its bound does not read it to the end', async () => {
    await using server = await fakeServer((_request, response) => {
      response.write('x'.repeat(5000));
    });
    await using opened = open(server, { limits: { bodyBytesMax: 1000 } });

    const get = opened.api.get(configMaps, ref);

    await expect(get).rejects.toMatchObject({
      message: expect.stringContaining('larger than 1000 bytes') as string,
    });
    await vi.waitFor(() => expect(server.connectionsOpen()).toBe(0));
  });

  test('of an answer that stops coming is a timeout', async () => {
    await using server = await fakeServer((_request, response) => {
      response.write('{"kind":');
    });
    await using opened = open(server, { limits: { attemptMs: 100 } });

    await expect(opened.api.get(configMaps, ref)).rejects.toMatchObject({ reason: 'Timeout' });
  });

  test('keeps the token and long messages to itself', async () => {
    const message = 'm'.repeat(100_000);
    await using server = await fakeServer(json({ kind: 'Status', message }, 403));
    await using opened = open(server, { limits: { attemptMs: 500 } });

    const failed = await opened.api.get(configMaps, ref).catch((error: unknown) => error);

    const printed = inspect(failed, { depth: 20 });
    expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${token}`);
    expect(printed).not.toContain(token);
    expect(printed.length).toBeLessThan(10_000);
  });

  test('that names several problems names them in one order', async () => {
    const causes = ['spec.b', 'spec.a'].map((field) => ({ field, message: 'no' }));
    const body = {
      kind: 'Status',
      reason: 'Invalid',
      message: 'X "a" is invalid: [spec.b: no, spec.a: no]',
      details: { causes },
    };
    await using server = await fakeServer(json(body, 422));
    await using opened = open(server);

    await expect(opened.api.create(configMaps, configMap('team', {}))).rejects.toMatchObject({
      message: 'X "a" is invalid: [spec.a: no, spec.b: no]',
    });
  });
});

describe('a repetition', () => {
  const busy = (seconds: string) => status(429, 'TooManyRequests', { 'retry-after': seconds });

  test('waits as long as a busy server asks for', async () => {
    await using server = await fakeServer(inTurn(busy('1'), busy('2'), json(stored)));
    await using opened = open(server);

    await opened.api.create(configMaps, configMap('team', {}));

    expect(opened.pauses).toEqual([1000, 2000]);
    expect(opened.calls.map(({ code }) => code)).toEqual([429, 429, 200]);
  });

  test('is left to the caller where the server asks for long, or goes on asking', async () => {
    await using server = await fakeServer(inTurn(busy('600'), busy('0')));
    await using opened = open(server);
    const create = async () => await opened.api.create(configMaps, configMap('team', {}));

    const long = { reason: 'TooManyRequests', retryAfterMs: 600_000 };
    await expect(create()).rejects.toMatchObject(long);
    expect(server.requests).toHaveLength(1);
    await expect(create()).rejects.toMatchObject({ reason: 'TooManyRequests', retryAfterMs: 0 });

    expect(server.requests).toHaveLength(5);
  });

  test('of a read follows on a connection that broke, once; of a write never', async () => {
    await using server = await fakeServer((request) => request.socket.destroy());
    await using opened = open(server);

    await expect(opened.api.get(configMaps, ref)).rejects.toMatchObject({ reason: 'Unavailable' });
    expect(server.requests).toHaveLength(2);
    const create = opened.api.create(configMaps, configMap('team', {}));
    await expect(create).rejects.toMatchObject({ reason: 'Unavailable' });

    expect(server.requests).toHaveLength(3);
    expect(opened.calls.map(({ code }) => code)).toEqual(['failed', 'failed', 'failed']);
  });

  test('of a read follows on an answer that was cut off', async () => {
    await using server = await fakeServer(
      inTurn((_request, response) => {
        response.writeHead(200, { 'content-length': '1000' });
        response.write('{"kind":', () => response.destroy());
      }, json(stored)),
    );
    await using opened = open(server);

    expect(await opened.api.get(configMaps, ref)).toEqual(stored);
  });
});

describe('the observer', () => {
  test('hears of each request: verb, resource, code, and whether it may have written', async () => {
    await using server = await fakeServer(
      inTurn(json(stored), json({ kind: 'Status', details: { name } }, 404), json(stored)),
    );
    await using opened = open(server);

    await opened.api.apply(configMaps, configMap('team', {}), { fieldManager: 'one' });
    await opened.api.delete(configMaps, ref);
    await opened.api.get(configMaps, ref);

    expect(opened.calls).toMatchObject([
      { verb: 'apply', type: 'configmaps', code: 200, isWrite: true },
      { verb: 'delete', type: 'configmaps', code: 404, isWrite: true },
      { verb: 'get', type: 'configmaps', code: 200, isWrite: false },
    ]);
    expect(opened.calls.every(({ durationMs }) => durationMs > 0)).toBe(true);
  });
});

test('a server below a path is asked below that path', async () => {
  await using server = await fakeServer(json(stored));
  const connection = { ...server.connection, server: `${server.connection.server}/k8s/c1` };
  await using opened = open(server, { connection });

  await opened.api.get(configMaps, ref);

  expect(server.requests[0]?.url).toBe('/k8s/c1/api/v1/namespaces/team/configmaps/subject');
});

test('an unknown resource is a failure, not an absent object', async () => {
  await using server = await fakeServer(
    json({ kind: 'Status', reason: 'NotFound', details: {} }, 404),
  );
  await using opened = open(server);

  await expect(opened.api.get(configMaps, ref)).rejects.toMatchObject({ reason: 'NotFound' });
  await expect(opened.api.delete(configMaps, ref)).rejects.toMatchObject({ reason: 'NotFound' });
});
