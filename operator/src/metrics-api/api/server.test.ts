import { Agent, request, type RequestOptions } from 'node:https';
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { issue, type Issued } from '../certificates/issue.ts';
import {
  clientAuthority,
  type ClientAuthority,
  type ClientCertificate,
} from '../test/client-certificates.ts';
import type { ApiRequest } from './metrics-api.ts';
import { ok } from './reply.ts';
import { ApiServer, type Material } from './server.ts';

const host = '127.0.0.1';
const name = 'metrics.test.svc';
const soon = { timeout: 15_000 };

async function newIssued(): Promise<Issued> {
  return await issue({ names: [name], now: Date.now(), lifeMs: 86_400_000 });
}

describe('the server of the metrics API', () => {
  let issued: Issued;
  let authority: ClientAuthority;
  let proxy: ClientCertificate;
  let material: Material;
  beforeAll(async () => {
    issued = await newIssued();
    authority = await clientAuthority();
    proxy = await authority.client('front-proxy-client');
    material = { served: issued, clientAuthorities: authority.pem };
  });

  const agents: Agent[] = [];
  afterEach(() => {
    for (const agent of agents.splice(0)) agent.destroy();
  });

  /** A server that remembers who asked, and answers when it is let. */
  async function serving(given = material) {
    const seen: ApiRequest[] = [];
    const codes: number[] = [];
    let gate = Promise.resolve();
    const server = new ApiServer(
      {
        host,
        port: 0,
        requestsMax: 3,
        answer: async (asked) => {
          seen.push(asked);
          await gate;
          return { route: 'discovery', reply: ok({ url: asked.url }) };
        },
        onAnswered: ({ code }) => codes.push(code),
      },
      given,
    );
    const port = await server.listen();
    return {
      server,
      port,
      seen,
      codes,
      hold: () => {
        const { promise, resolve } = Promise.withResolvers<void>();
        gate = promise;
        return resolve;
      },
      [Symbol.asyncDispose]: async () => {
        for (const agent of agents) agent.destroy();
        await server.close(AbortSignal.abort());
      },
    };
  }

  function keeping(client: Partial<ClientCertificate> = {}): Agent {
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ...client });
    agents.push(agent);
    return agent;
  }

  async function get(port: number, options: RequestOptions = {}, body?: string) {
    const { promise, resolve, reject } = Promise.withResolvers<{
      readonly code: number | undefined;
      readonly connection: string | undefined;
      readonly text: string;
    }>();
    const agent = options.agent ?? keeping();
    const trusted = { ca: issued.authority, servername: name };
    const sent = request({ host, port, path: '/apis', ...trusted, ...options, agent });
    sent.on('error', reject);
    sent.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => {
        const { connection } = response.headers;
        resolve({ code: response.statusCode, connection, text });
      });
    });
    sent.end(body);
    return await promise;
  }

  it('knows a client by a certificate of the trusted authority and by no other', async () => {
    await using world = await serving();
    const stranger = await (await clientAuthority()).client('front-proxy-client');

    await get(world.port, { agent: keeping(proxy) });
    await get(world.port, { agent: keeping(stranger) });
    await get(world.port);

    expect(world.seen.map(({ peer }) => peer.commonName)).toEqual([
      'front-proxy-client',
      undefined,
      undefined,
    ]);
  });

  it('trusts no certificate at all while no authority is known', async () => {
    await using world = await serving({ served: issued, clientAuthorities: undefined });

    await get(world.port, { agent: keeping(proxy) });

    expect(world.seen[0]?.peer.commonName).toBeUndefined();
  });

  it('hands over repeated headers one by one', async () => {
    await using world = await serving();

    await get(world.port, { headers: { 'x-remote-group': ['a, b', 'c'] } });

    expect(world.seen[0]?.headers['x-remote-group']).toEqual(['a, b', 'c']);
  });

  it('keeps the connections of a front proxy and closes those of everybody else', async () => {
    await using world = await serving();

    expect((await get(world.port, { agent: keeping(proxy) })).connection).not.toBe('close');
    expect((await get(world.port)).connection).toBe('close');
  });

  it('forgets what a connection has proved when other authorities are trusted', async () => {
    await using world = await serving();
    const agent = keeping(proxy);
    const release = world.hold();
    const before = get(world.port, { agent });
    await expect.poll(() => world.seen.length, soon).toBe(1);
    const other = await clientAuthority();

    world.server.use({ served: issued, clientAuthorities: other.pem });
    release();
    expect(await before).toMatchObject({ code: 200, connection: 'close' });
    await get(world.port, { agent: keeping(proxy) });
    await get(world.port, { agent: keeping(await other.client('front-proxy-client')) });

    expect(world.seen.map(({ peer }) => peer.commonName)).toEqual([
      'front-proxy-client',
      undefined,
      'front-proxy-client',
    ]);
  });

  it('closes idle connections that were made under other authorities', async () => {
    await using world = await serving();
    const socket = await connected(world.port);
    const ended = once(socket, 'close');

    world.server.use({ served: issued, clientAuthorities: (await clientAuthority()).pem });

    await ended;
  });

  it('serves a new certificate to new connections and goes on with the old ones', async () => {
    await using world = await serving();
    const agent = keeping(proxy);
    await get(world.port, { agent });
    const next = await newIssued();

    world.server.use({ served: next, clientAuthorities: authority.pem });

    expect((await get(world.port, { agent })).code).toBe(200);
    expect((await get(world.port, { ca: next.authority })).code).toBe(200);
    await expect(get(world.port)).rejects.toThrow(/certificate|signature/i);
  });

  it('refuses bodies and headers that are too long, and does not ask who sends them', async () => {
    await using world = await serving();

    const body = await get(world.port, { method: 'GET', headers: { 'content-length': 4 } }, 'abcd');
    const long = await get(world.port, { headers: { authorization: 'x'.repeat(40_000) } });

    expect(body).toMatchObject({ code: 400, connection: 'close' });
    expect(long.code).toBe(431);
    expect(world.seen).toEqual([]);
  });

  it('answers more than it can do at once with 429', async () => {
    await using world = await serving();
    const release = world.hold();
    const held = [get(world.port), get(world.port), get(world.port)];
    await expect.poll(() => world.seen.length, soon).toBe(3);

    const refused = await get(world.port);
    release();

    expect(refused).toMatchObject({ code: 429 });
    expect((await Promise.all(held)).map(({ code }) => code)).toEqual([200, 200, 200]);
  });

  it('finishes what has begun when it is closed, and leaves no connection open', async () => {
    await using world = await serving();
    const socket = await connected(world.port);
    const ended = once(socket, 'close');
    const release = world.hold();
    const under = get(world.port, { agent: keeping(proxy) });
    await expect.poll(() => world.seen.length, soon).toBe(1);

    const closed = world.server.close(new AbortController().signal);
    await ended;
    release();

    expect(await under).toMatchObject({ code: 200, text: '{"url":"/apis"}', connection: 'close' });
    await closed;
    await expect(get(world.port)).rejects.toThrow(/ECONNREFUSED/);
  });

  it('cuts off what does not end', async () => {
    await using world = await serving();
    const release = world.hold();
    const under = get(world.port);
    under.catch(() => undefined);
    await expect.poll(() => world.seen.length, soon).toBe(1);
    const grace = new AbortController();
    const closed = world.server.close(grace.signal);

    grace.abort();

    await closed;
    await expect(under).rejects.toThrow();
    release();
  });

  /** A connection that brings no request, as clients keep some in stock. */
  async function connected(port: number): Promise<TLSSocket> {
    const socket = connect({ host, port, ca: issued.authority, servername: name });
    socket.on('error', () => undefined);
    await once(socket, 'secureConnect');
    // A certificate is judged in the last flight; the server knows of the connection after it.
    await expect.poll(() => socket.authorized, soon).toBe(true);
    return socket.resume();
  }
});
