import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { isLate, latencyMs, latenessMs, runOpenLoop, type OpenLoopResult } from './open-loop.ts';
import { ReplyScanner } from './reply-scanner.ts';

async function answering(listener: RequestListener): Promise<AsyncDisposable & { port: number }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const request = Buffer.from('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}');

async function load(port: number): Promise<{
  readonly result: OpenLoopResult;
  readonly settled: readonly (number | undefined)[];
}> {
  const settled: (number | undefined)[] = [];
  const result = await runOpenLoop({
    host: '127.0.0.1',
    port,
    requestsPerSecond: 1_000,
    seconds: 0.1,
    connections: 4,
    request: () => request,
    settled: (index, status) => {
      settled[index] = status;
    },
  });
  return { result, settled };
}

describe('a constant rate', () => {
  it('sends every request once and tells the status of each', async () => {
    let received = 0;
    await using server = await answering((_request, response) => {
      received += 1;
      response.statusCode = received % 2 === 0 ? 503 : 200;
      response.end(received % 2 === 0 ? 'busy' : '');
    });

    const { result, settled } = await load(server.port);

    expect(received).toBe(100);
    expect(result).toMatchObject({ asked: 100, sent: 100, unanswered: 0 });
    expect(result.byStatus).toEqual({ 200: 50, 503: 50 });
    expect(settled).toHaveLength(100);
    expect(result.latenciesMs).toHaveLength(100);
  });

  it('counts a request whose connection was cut as unanswered, and goes on with another one', async () => {
    let received = 0;
    await using server = await answering((incoming, response) => {
      received += 1;
      if (received % 10 === 0) incoming.socket.destroy();
      else response.end();
    });

    const { result, settled } = await load(server.port);

    expect(received).toBe(100);
    expect(result.unanswered).toBe(10);
    expect(result.byStatus).toEqual({ 200: 90 });
    expect(settled.filter((status) => status === undefined)).toHaveLength(10);
  });
});

describe('latencies', () => {
  const result: OpenLoopResult = {
    asked: 100,
    sent: 100,
    byStatus: { 200: 98 },
    unanswered: 2,
    latenciesMs: Float64Array.from({ length: 98 }, (_, index) => index + 1),
    latenessMs: Float64Array.from({ length: 100 }, (_, index) => index / 10),
  };

  it('are shares of what was asked for, so that what has no answer took for ever', () => {
    expect(latencyMs(result, 0.5)).toBe(50);
    expect(latencyMs(result, 0.98)).toBe(98);
    expect(latencyMs(result, 0.99)).toBe(Number.POSITIVE_INFINITY);
  });

  it('are void when the generator itself was late', () => {
    expect(latenessMs(result, 0.99)).toBeCloseTo(9.8);
    expect(isLate(result)).toBe(true);
    expect(isLate({ ...result, latenessMs: new Float64Array(100) })).toBe(false);
  });
});

describe('the scanner of answers', () => {
  const answer = 'HTTP/1.1 429 Too Many\r\nContent-Length: 5\r\nretry-after: 1\r\n\r\nabcde';

  it('finds the end wherever the pieces are cut', () => {
    for (let cut = 1; cut < answer.length; cut += 1) {
      const scanner = new ReplyScanner();
      const [first, second] = [answer.slice(0, cut), answer.slice(cut)];

      expect(scanner.push(Buffer.from(first), first.length)).toBeUndefined();
      expect(scanner.push(Buffer.from(second), second.length)).toBe(429);
      expect(scanner.refusal).toBe('abcde');
    }
  });

  it('reads one answer after the other', () => {
    const scanner = new ReplyScanner();
    const empty = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';

    expect(scanner.push(Buffer.from(empty), empty.length)).toBe(200);
    expect(scanner.push(Buffer.from(answer), answer.length)).toBe(429);
    expect(scanner.push(Buffer.from(empty), empty.length)).toBe(200);
  });

  it.each([
    ['an answer without a length', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'],
    ['what is no answer', 'SSH-2.0-OpenSSH\r\n\r\n'],
    ['more bytes than announced', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab'],
  ])('refuses %s', (_what, text) => {
    expect(() => new ReplyScanner().push(Buffer.from(text), text.length)).toThrow();
  });
});
