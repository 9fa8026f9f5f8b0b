import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  errorEnvelope,
  exchanged,
  httpService,
  rawClient,
  type TestService,
} from '../../test/http-service.ts';
import type { HttpLimits, HttpRequest } from './server.ts';

interface Scene extends TestService {
  /** What the handler was given. */
  readonly taken: HttpRequest[];
}

async function taking(limits: Partial<HttpLimits> = {}): Promise<Scene> {
  const taken: HttpRequest[] = [];
  const service = await httpService(
    async (request) => {
      taken.push(request);
      return { body: '', headers: { 'millrace-seen': String(request.body.length) } };
    },
    { methods: ['GET', 'HEAD', 'POST'], limits: { lingerMs: 100, ...limits } },
  );
  return { ...service, taken };
}

/** A POST whose client asks for the connection to be closed, so that all of the answer is seen. */
function post(body: string, headers = `content-length: ${body.length}\r\n`): string {
  return `POST /x?a=1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${headers}\r\n${body}`;
}

const chunked = 'transfer-encoding: chunked\r\n';
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

describe('requests with a body', () => {
  it('come to the handler whole, whatever their content type and pieces', async () => {
    await using it = await taking({ bodyBytesMax: 100_000 });

    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 50_000 }), async (bytes) => {
        it.taken.length = 0;
        const answer = await fetch(`${it.url}/t/k?a=1`, { method: 'POST', body: bytes });

        const [request] = it.taken;
        expect([answer.status, await answer.text()]).toEqual([200, '']);
        expect([request?.method, request?.client]).toEqual(['POST', '127.0.0.1']);
        expect(request?.target.segments).toEqual(['t', 'k']);
        expect(digest(request?.body)).toBe(digest(bytes));
      }),
      { numRuns: 20 },
    );
  });

  it('are answered with nothing but a length when the reply is empty', async () => {
    await using it = await taking();

    const answer = await exchanged(it.service.port, post('hello'));

    expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    expect(answer).toMatch(/\r\nmillrace-seen: 5\r\n/);
    expect(answer).toMatch(/\r\ncontent-length: 0\r\n/);
    expect(answer).toMatch(/\r\nx-request-id: /);
    expect(answer).not.toMatch(/content-type|cache-control/);
    expect(answer.endsWith('\r\n\r\n')).toBe(true);
  });

  it('may come in chunks without a length', async () => {
    await using it = await taking();
    const client = rawClient(it.service.port);

    client.send(post('', chunked) + chunk('hel'));
    await expect.poll(() => it.inFlight()).toBe(1);
    client.send(`${chunk('lo')}0\r\n\r\n`);

    expect(await client.closed).toMatch(/^HTTP\/1.1 200 [\s\S]*millrace-seen: 5\r\n/);
  });

  it('are refused by their length before they are sent', async () => {
    await using it = await taking({ bodyBytesMax: 10 });

    const announced = await exchanged(it.service.port, post('', 'content-length: 11\r\n'));

    expect(announced).toMatch(/^HTTP\/1.1 413 /);
    expect(errorEnvelope.exec(announced)?.[1]).toBe('BodyTooLarge');
    expect(it.taken).toEqual([]);
  });

  it('are refused by what really comes, and the answer is seen by a client that sends on', async () => {
    await using it = await taking({ bodyBytesMax: 10, lingerMs: 60_000 });
    const client = rawClient(it.service.port);

    client.send(post('', chunked) + chunk('x'.repeat(11)));
    await expect.poll(() => client.received()).toMatch(/^HTTP\/1.1 413 /);
    // It goes on until the service has read enough of it.
    const more = chunk('x'.repeat(60_000));
    client.socket.on('drain', () => client.send(more));
    for (let pieces = 0; pieces < 100; pieces++) client.send(more);
    await expect.poll(() => client.socket.destroyed, { timeout: 5_000 }).toBe(true);

    expect(errorEnvelope.exec(await client.closed)?.[1]).toBe('BodyTooLarge');
    expect(it.taken).toEqual([]);
    await expect.poll(() => it.inFlight()).toBe(0);
  });

  it.each([
    ['is shorter than its length', 'content-length: 10\r\n', 'short'],
    ['has no last chunk', chunked, chunk('short')],
  ])('end with 408 when a body %s', async (_what, headers, body) => {
    await using it = await taking({ requestTimeoutMs: 200 });

    const answer = await exchanged(it.service.port, post(body, headers));

    expect(answer).toMatch(/^HTTP\/1.1 408 /);
    expect(errorEnvelope.exec(answer)?.[1]).toBe('RequestTimeout');
    expect(it.taken).toEqual([]);
  });

  it('end with 408 however steadily a body dribbles', async () => {
    await using it = await taking({ requestTimeoutMs: 300 });
    const client = rawClient(it.service.port);

    client.send(post('', 'content-length: 1000\r\n'));
    const dribble = setInterval(() => client.send('x'), 20);
    await expect.poll(() => client.received()).toMatch(/^HTTP\/1.1 408 /);
    clearInterval(dribble);
    await client.closed;

    expect(it.taken).toEqual([]);
  });

  it('are asked for when the client waits to be, unless they are refused already', async () => {
    await using it = await taking({ bodyBytesMax: 10 });
    const waiting = 'expect: 100-continue\r\n';
    const client = rawClient(it.service.port);

    client.send(post('', `${waiting}content-length: 5\r\n`));
    await expect.poll(() => client.received()).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\n$/);
    client.send('hello');
    const refused = await exchanged(it.service.port, post('', `${waiting}content-length: 11\r\n`));

    expect(await client.closed).toMatch(/HTTP\/1.1 200 [\s\S]*millrace-seen: 5\r\n/);
    expect(refused).toMatch(/^HTTP\/1.1 413 /);
  });

  it('leave nothing behind when the client vanishes in the middle', async () => {
    await using it = await taking({ bodyBytesMax: 100_000, heldBytesMax: 60_000 });

    for (let turn = 0; turn < 3; turn++) {
      const client = rawClient(it.service.port);
      client.send(post('x'.repeat(50_000), 'content-length: 90000\r\n'));
      await expect.poll(() => it.inFlight()).toBe(1);
      client.socket.destroy();
      await expect.poll(() => it.inFlight()).toBe(0);
    }

    expect(it.taken).toEqual([]);
    expect((await fetch(it.url, { method: 'POST', body: 'x'.repeat(50_000) })).status).toBe(200);
    expect(await it.metrics.metrics()).toContain('status="cut"} 3');
    expect(it.lines).toEqual([]);
  });

  it('are refused while all of them together are too much to hold', async () => {
    await using it = await taking({ bodyBytesMax: 100_000, heldBytesMax: 60_000 });
    const client = rawClient(it.service.port);
    client.send(post('x'.repeat(50_000), 'content-length: 90000\r\n'));
    await expect.poll(() => it.inFlight()).toBe(1);

    const answer = await fetch(it.url, { method: 'POST', body: 'x'.repeat(50_000) });

    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    client.socket.destroy();
    await expect.poll(() => it.inFlight()).toBe(0);
    expect((await fetch(it.url, { method: 'POST', body: 'x'.repeat(50_000) })).status).toBe(200);
  });

  it.each(['connection: close\r\n', 'connection: keep-alive\r\n'])(
    'are answered to a client that stops sending after them, with %j',
    async (connection) => {
      const gate = Promise.withResolvers<void>();
      await using it = await httpService(
        async () => {
          await gate.promise;
          return { body: '' };
        },
        { methods: ['POST'] },
      );
      const client = rawClient(it.service.port);

      client.socket.end(post('hello').replace('connection: close\r\n', connection));
      await expect.poll(() => it.inFlight()).toBe(1);
      gate.resolve();

      expect(await client.closed).toMatch(/^HTTP\/1.1 200 /);
    },
  );

  it('are answered before the garbage that follows them', async () => {
    await using it = await taking();
    const text = post('hello').replace('connection: close\r\n', '');

    const answer = await exchanged(it.service.port, `${text}{"more":1}\r\n\r\n`);

    expect(answer).toMatch(/^HTTP\/1.1 200 [\s\S]*\r\n\r\nHTTP\/1.1 400 /);
    expect(errorEnvelope.exec(answer)?.[1]).toBe('BadRequest');
    expect(it.taken).toHaveLength(1);
  });

  it('are answered in order when they are sent one after another without waiting', async () => {
    const gates = [1, 2, 3].map(() => Promise.withResolvers<void>());
    await using it = await httpService(
      async ({ body }) => {
        await gates[body.length - 1]?.promise;
        return { body: '', headers: { 'millrace-seen': String(body.length) } };
      },
      { methods: ['POST'] },
    );
    const keepAlive = (body: string): string => post(body).replace('connection: close\r\n', '');
    const client = rawClient(it.service.port);

    client.send(`${keepAlive('1')}${keepAlive('22')}${post('333')}`);
    await expect.poll(() => it.inFlight()).toBe(3);
    for (const gate of gates.toReversed()) gate.resolve();

    const seen = [...(await client.closed).matchAll(/millrace-seen: (\d)/g)];
    expect(seen.map(([, length]) => length)).toEqual(['1', '2', '3']);
  });

  it('are refused when their chunks are none, without losing the answers before', async () => {
    await using it = await taking();
    const text = post('hello').replace('connection: close\r\n', '');

    const answer = await exchanged(it.service.port, `${text}${post('', chunked)}zz\r\nhello`);

    expect(answer).toMatch(/^HTTP\/1.1 200 [\s\S]*\r\n\r\nHTTP\/1.1 400 /);
    expect(errorEnvelope.exec(answer)?.[1]).toBe('BadRequest');
    expect(it.taken).toHaveLength(1);
  });

  it('are read to their end while the service drains', async () => {
    await using it = await taking();
    const client = rawClient(it.service.port);
    client.send(post('hel', 'content-length: 5\r\n').replace('connection: close\r\n', ''));
    await expect.poll(() => it.inFlight()).toBe(1);

    const drained = it.service.drain({ propagationMs: 0, finishMs: 5_000 });
    client.send('lo');

    expect(await client.closed).toMatch(/^HTTP\/1.1 200 [\s\S]*connection: close/i);
    await drained;
  });

  it('are answered while very many connections are idle', async () => {
    await using it = await taking();
    const idle = Array.from({ length: 1_500 }, () => rawClient(it.service.port));
    await Promise.all(
      idle.map(({ socket }) => new Promise((resolve) => socket.once('connect', resolve))),
    );

    expect((await fetch(it.url, { method: 'POST', body: 'x' })).status).toBe(200);

    for (const { socket } of idle) socket.destroy();
  });
});

function digest(bytes: Uint8Array | undefined): string {
  return createHash('sha256')
    .update(bytes ?? 'none')
    .digest('hex');
}
