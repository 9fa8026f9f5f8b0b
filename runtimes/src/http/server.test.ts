import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, get as httpGet } from 'node:http';
import { describe, expect, it } from 'vitest';
import { Transient } from '@millrace/kit/transient';
import {
  errorEnvelope,
  exchanged,
  httpService,
  type TestService,
} from '../../test/http-service.ts';
import { successRow } from './envelope.ts';
import { badRequest } from './request-error.ts';
import type { HttpLimits, HttpRequest } from './server.ts';

/** A service that answers each request with this body. */
function serving(
  handle: (request: HttpRequest) => Promise<string> = async () => successRow('1'),
  limits: Partial<HttpLimits> = {},
): Promise<TestService> {
  return httpService(async (request) => ({ body: await handle(request) }), { limits });
}

describe('the HTTP service', () => {
  it('keeps a harmless request id, makes one otherwise, and says it in header and body', async () => {
    await using it = await serving(async () => {
      throw badRequest('BadThing', 'The thing is bad.');
    });

    const kept = await fetch(it.url, { headers: { 'x-request-id': 'abc-1' } });
    const made = await fetch(it.url, { headers: { 'x-request-id': 'a b' } });

    expect(await kept.json()).toEqual({
      status: 'error',
      error: { code: 'BadThing', message: 'The thing is bad.', requestId: 'abc-1' },
    });
    expect(made.headers.get('x-request-id')).toMatch(/^[0-9a-f]{18}-[0-9a-z]+$/);
  });

  it('answers every other method with 405 and what is allowed', async () => {
    await using it = await serving();

    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND']) {
      const body =
        method === 'POST' ? { body: '<a/>', headers: { 'content-type': 'text/xml' } } : {};
      const answer = await fetch(`${it.url}/people`, { method, ...body });

      expect([method, answer.status, answer.headers.get('allow')]).toEqual([
        method,
        405,
        'GET, HEAD',
      ]);
      expect(answer.headers.get('content-type')).toContain('application/json');
      expect(await answer.text()).toContain('"code":"MethodNotAllowed"');
    }
    const head = await fetch(`${it.url}/people`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  it.each([
    ['what is no HTTP', 'nonsense\r\n\r\n', 400, 'BadRequest'],
    ['an unknown method', 'FETCH / HTTP/1.1\r\n\r\n', 400, 'BadRequest'],
    [
      'too many header bytes',
      `GET / HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`,
      431,
      'HeadersTooLarge',
    ],
    [
      'an unknown expectation',
      'GET / HTTP/1.1\r\nexpect: tea\r\nconnection: close\r\n\r\n',
      417,
      'ExpectationFailed',
    ],
    [
      'a long URL',
      `GET /${'y'.repeat(9_000)} HTTP/1.1\r\nconnection: close\r\n\r\n`,
      414,
      'UrlTooLong',
    ],
    ['broken percent-encoding', 'GET /?a=%zz HTTP/1.1\r\nconnection: close\r\n\r\n', 400, 'BadUrl'],
    [
      'a body length that is none',
      'GET / HTTP/1.1\r\ncontent-length: x\r\n\r\n',
      400,
      'BadRequest',
    ],
  ])('answers %s in the envelope', async (_what, bytes, status, code) => {
    await using it = await serving();

    const answer = await exchanged(it.service.port, bytes);

    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(errorEnvelope.exec(answer)?.[1]).toBe(code);
  });

  it('lets a client go that does not finish its request', async () => {
    await using it = await serving(undefined, { requestTimeoutMs: 300 });

    const answer = await exchanged(it.service.port, 'GET / HTTP/1.1\r\nx-slow: ');

    expect(answer).toMatch(/^HTTP\/1.1 408 /);
    expect(errorEnvelope.exec(answer)?.[1]).toBe('RequestTimeout');
  });

  it('ends an answer that a client does not read in time', async () => {
    const large = successRow(JSON.stringify('x'.repeat(32 * 1024 * 1024)));
    await using it = await serving(async () => large, { answerTimeoutMs: 200 });
    const socket = connect(it.service.port, '127.0.0.1');
    const gone = new Promise((resolve) => socket.on('close', resolve));
    socket.on('error', () => undefined);
    socket.write('GET / HTTP/1.1\r\n\r\n');
    socket.pause();

    await expect.poll(() => it.inFlight()).toBe(1);
    await expect.poll(() => it.inFlight()).toBe(0);
    socket.resume();
    await gone;
  });

  it('refuses at once, with Retry-After, what is beyond its bounds', async () => {
    const held = Promise.withResolvers<string>();
    await using it = await serving(() => held.promise, { inFlightMax: 2 });
    const waiting = [fetch(it.url), fetch(it.url)];
    await expect.poll(() => it.inFlight()).toBe(2);

    const refused = await fetch(it.url);

    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await refused.text()).toContain('"code":"Overloaded"');
    held.resolve(successRow('1'));
    for (const answer of await Promise.all(waiting)) expect(answer.status).toBe(200);
    expect((await fetch(it.url)).status).toBe(200);
  });

  it('refuses more while clients hold too many unread bytes', async () => {
    const large = successRow(JSON.stringify('x'.repeat(32 * 1024 * 1024)));
    await using it = await serving(async () => large, { heldBytesMax: 1024 * 1024 });
    const socket = connect(it.service.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write('GET / HTTP/1.1\r\n\r\n');
    socket.pause();

    await expect.poll(async () => (await fetch(it.url, { method: 'GET' })).status).toBe(503);
    socket.destroy();
    await expect.poll(() => it.inFlight()).toBe(0);
    expect((await fetch(it.url, { method: 'HEAD' })).status).toBe(200);
  });

  it('tells a client which backend is away and nothing else', async () => {
    await using it = await serving(async () => {
      throw new Transient('AuthenticationFailed', 'secret words', { backend: 'postgres' });
    });

    const answer = await fetch(`${it.url}/people/secret`);
    const text = await answer.text();

    expect(answer.status).toBe(503);
    expect(text).toContain('"code":"Unavailable"');
    expect(text).not.toMatch(/secret|Authentication/);
    expect(it.lines.join('')).not.toContain('secret');
  });

  it('answers our bug with 500, logs it once with the request id and without the URL', async () => {
    await using it = await serving(async () => {
      throw new TypeError('a bug');
    });

    const answer = await fetch(`${it.url}/people/secret?name=secret`, {
      headers: { 'x-request-id': 'r1' },
    });

    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain('a bug');
    expect(it.lines).toHaveLength(1);
    expect(it.lines[0]).toContain('"requestId":"r1"');
    expect(it.lines[0]).not.toContain('secret');
  });

  it('counts by route and class of status, with no label from the URL', async () => {
    await using it = await serving(async ({ target, routed }) => {
      routed('row');
      if (target.segments[0] === 'none') throw badRequest('Bad', 'Bad.');
      return successRow('1');
    });

    await fetch(`${it.url}/some/key`);
    await fetch(`${it.url}/none`);
    await fetch(`${it.url}/other`, { method: 'POST' });

    await it.metrics.metrics();
    const text = await it.metrics.metrics();
    expect(text).toContain('millrace_http_requests_total{route="row",status="2xx"} 1');
    expect(text).toContain('millrace_http_requests_total{route="row",status="4xx"} 1');
    expect(text).toContain('millrace_http_requests_total{route="unknown",status="4xx"} 1');
  });

  it('fails no request of keep-alive clients that learn of the drain within the propagation time', async () => {
    const handle = async (): Promise<string> => {
      await delay(5);
      return successRow('1');
    };
    await using leaving = await serving(handle);
    await using staying = await serving(handle);
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    // What a balancer would send requests to.
    let endpoints = [leaving.url, staying.url];
    const outcomes: (number | string)[] = [];
    let isDone = false;
    const clients = Array.from({ length: 16 }, async (_, index) => {
      for (let turn = index; !isDone; turn++) {
        outcomes.push(await request(endpoints[turn % endpoints.length] ?? staying.url, agent));
      }
    });
    await expect.poll(() => outcomes.length).toBeGreaterThan(200);

    const drained = leaving.service.drain({ propagationMs: 300, finishMs: 5_000 });
    await delay(150);
    endpoints = [staying.url];
    await drained;
    isDone = true;
    await Promise.all(clients);

    agent.destroy();
    expect(outcomes.filter((outcome) => outcome !== 200)).toEqual([]);
    expect(await request(leaving.url, new Agent())).toBe('ECONNREFUSED');
  });

  it.each([
    ['was just opened', ''],
    ['is kept alive', 'GET / HTTP/1.1\r\n\r\n'],
  ])(
    'answers a request that comes on a connection that %s when it stopped listening',
    async (_what, before) => {
      await using it = await serving();
      const socket = connect(it.service.port, '127.0.0.1');
      let answers = '';
      socket.on('data', (bytes) => {
        answers += String(bytes);
      });
      const ended = new Promise((resolve) => socket.once('close', resolve));
      await new Promise((resolve) => socket.once('connect', resolve));
      socket.write(before);
      await expect.poll(() => answers !== '' || before === '').toBe(true);
      answers = '';

      const drained = it.service.drain({ propagationMs: 0, finishMs: 5_000 });
      await expect.poll(() => request(it.url, new Agent())).toBe('ECONNREFUSED');
      socket.write('GET / HTTP/1.1\r\n\r\n');
      await ended;

      expect(answers).toMatch(/^HTTP\/1.1 200 [\s\S]*connection: close/i);
      await drained;
    },
  );

  it('finishes a request that is in flight when it stops listening', async () => {
    const held = Promise.withResolvers<string>();
    let requests = 0;
    await using it = await serving(async () => {
      requests += 1;
      return requests === 1 ? await held.promise : successRow('2');
    });
    const waiting = fetch(it.url);
    await expect.poll(() => it.inFlight()).toBe(1);

    const drained = it.service.drain({ propagationMs: 0, finishMs: 5_000 });
    await expect.poll(() => request(it.url, new Agent())).toBe('ECONNREFUSED');
    held.resolve(successRow('1'));

    expect((await waiting).status).toBe(200);
    await drained;
  });

  it('ends a drain in time although a request never ends', async () => {
    await using it = await serving(() => new Promise<string>(() => undefined));
    const waiting = fetch(it.url).catch(() => 'cut');
    await expect.poll(() => it.inFlight()).toBe(1);

    await it.service.drain({ propagationMs: 0, finishMs: 100 });

    expect(await waiting).toBe('cut');
  });
});

/** Status of the answer, or the code of what went wrong. */
function request(url: string, agent: Agent): Promise<number | string> {
  return new Promise((resolve) => {
    httpGet(url, { agent }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
      response.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
    }).on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
  });
}
