import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { given, lacks } from '../../../test/backends.ts';
import { faultProxy } from '../../../test/fault-proxy.ts';
import { preparedPipeline, type PreparedPipeline } from '../../../test/increment-worker.ts';
import {
  anotherPipeline,
  pipelineGateway,
  type PipelineGateway,
} from '../../../test/pipeline-gateway.ts';
import { livingMembers } from '../ledger/members.ts';

const key = '0b3c9d52-6f0e-4a57-9c1f-2d8e7a6b5c40';
const one = { key, value: 1 };
const body = JSON.stringify(one);

async function socketTo(gateway: PipelineGateway): Promise<Socket> {
  const socket = connect(gateway.gateway.port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** The head of a POST whose body is announced and left to the caller. */
const head = (length: number) =>
  `POST /increment HTTP/1.1\r\nhost: test\r\ncontent-length: ${length}\r\n\r\n`;

async function inFlight(gateway: PipelineGateway): Promise<number> {
  const text = await gateway.metrics.metrics();
  return Number(/^millrace_http_requests_in_flight (\d+)/m.exec(text)?.[1]);
}

describe.skipIf(lacks('postgres', 'redis'))('the life of a gateway', () => {
  let host: PreparedPipeline;

  beforeAll(async () => {
    host = await preparedPipeline();
  });
  afterAll(async () => {
    await host[Symbol.asyncDispose]();
  });

  it('answers what is in flight when it is told to stop, and takes leave', async () => {
    await using proxy = await faultProxy(given('redis').url);
    await using pipeline = await anotherPipeline(host, { graceMs: 5_000 });
    await using gateway = await pipelineGateway(pipeline, {
      redisUrl: proxy.url,
      propagationMs: 300,
    });
    const alive = async () => (await livingMembers(host.db, pipeline.uid)).map(({ role }) => role);
    await expect.poll(alive).toEqual(['gateway']);
    proxy.set('mute');
    const waiting = gateway.post('/increment', one);
    await expect.poll(() => inFlight(gateway)).toBe(1);

    const stopped = gateway.stop();
    await expect.poll(() => gateway.gateway.readiness().ready).toBe(false);
    // News that it leaves spreads slowly: whoever comes meanwhile is served, and sent elsewhere.
    const late = gateway.post('/increment', one);
    await expect.poll(() => inFlight(gateway)).toBe(2);
    proxy.set('passing');
    const answers = await Promise.all([waiting, late]);
    await stopped;

    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers.map(({ headers }) => headers.get('connection'))).toEqual(['close', 'close']);
    expect(await alive()).toEqual([]);
    await expect(gateway.post('/increment', one)).rejects.toThrow('fetch failed');
  });

  it('forgets clients that vanish, before their body is complete and before they are answered', async () => {
    await using proxy = await faultProxy(given('redis').url);
    await using pipeline = await anotherPipeline(host);
    await using gateway = await pipelineGateway(pipeline, { redisUrl: proxy.url });
    proxy.set('mute');
    const sockets = await Promise.all(Array.from({ length: 20 }, () => socketTo(gateway)));
    for (const [at, socket] of sockets.entries()) {
      socket.write(head(body.length) + (at % 2 === 0 ? body : body.slice(0, 10)));
    }
    await expect.poll(() => inFlight(gateway)).toBe(20);

    for (const socket of sockets) socket.resetAndDestroy();

    await expect.poll(() => inFlight(gateway)).toBe(0);
    proxy.set('passing');
    const counted = async () => (await gateway.get(`/counts/${key}?fresh=true`)).data;
    // What was complete was accepted: unanswered, it may be either way, but not both.
    await expect.poll(counted, { timeout: 15_000 }).toMatchObject({ value: 10 });
  });

  it('lets go of clients that send their body too slowly', async () => {
    await using pipeline = await anotherPipeline(host);
    await using gateway = await pipelineGateway(pipeline, { limits: { requestTimeoutMs: 300 } });
    const socket = await socketTo(gateway);
    const answer: string[] = [];
    socket.on('data', (bytes) => answer.push(bytes.toString()));
    socket.write(head(body.length) + body.slice(0, -1));

    await once(socket, 'close');

    expect(answer.join('')).toMatch(/^HTTP\/1\.1 408 /);
    expect(await inFlight(gateway)).toBe(0);
    expect((await gateway.progress()).totals.accepted).toBe(0);
  });

  it('answers two thousand clients at once', async () => {
    const clients = 2_000;
    await using pipeline = await anotherPipeline(host);
    await using gateway = await pipelineGateway(pipeline);
    const agent = new Agent({ keepAlive: true, maxSockets: clients });
    const ask = async (): Promise<number | undefined> => {
      const asked = httpRequest(`${gateway.url}/increment`, { agent, method: 'POST' });
      asked.end(body);
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      response.resume();
      await once(response, 'end');
      return response.statusCode;
    };

    for (let round = 0; round < 2; round++) {
      const statuses = await Promise.all(Array.from({ length: clients }, ask));
      expect(new Set(statuses)).toEqual(new Set([200]));
    }

    agent.destroy();
    expect((await gateway.progress()).totals.accepted).toBe(2 * clients);
  });
});
