/** An HTTP service on a free port, what it logs and counts, and a client that sends bytes as they are. */
import { connect, type Socket } from 'node:net';
import { pino } from 'pino';
import { systemClock } from '@millrace/kit/clock';
import { createMetrics, type Metrics } from '@millrace/kit/metrics';
import {
  startHttp,
  type HttpOptions,
  type HttpReply,
  type HttpRequest,
  type HttpService,
} from '../src/http/server.ts';

export interface TestService extends AsyncDisposable {
  readonly service: HttpService;
  readonly metrics: Metrics;
  readonly lines: readonly string[];
  readonly url: string;
  /** Requests without a complete answer. */
  inFlight(): Promise<number>;
}

export async function httpService(
  handle: (request: HttpRequest) => Promise<HttpReply>,
  options: Partial<HttpOptions> = {},
): Promise<TestService> {
  const lines: string[] = [];
  const metrics = createMetrics({});
  const service = await startHttp({
    host: '127.0.0.1',
    port: 0,
    log: pino({ level: 'debug' }, { write: (line: string) => lines.push(line) }),
    metrics,
    clock: systemClock,
    handle,
    ...options,
  });
  return {
    service,
    metrics,
    lines,
    url: `http://127.0.0.1:${service.port}`,
    inFlight: async () => {
      const text = await metrics.getSingleMetricAsString('millrace_http_requests_in_flight');
      return Number(/in_flight (\d+)/.exec(text)?.[1]);
    },
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
}

export interface RawClient {
  readonly socket: Socket;
  send(bytes: string): void;
  /** All that came so far. */
  received(): string;
  /** All that came until the server closed. */
  readonly closed: Promise<string>;
}

export function rawClient(port: number): RawClient {
  const socket = connect(port, '127.0.0.1');
  let received = '';
  socket.on('data', (bytes: Buffer) => {
    received += bytes.toString('latin1');
  });
  socket.on('error', () => undefined);
  return {
    socket,
    send: (bytes) => void socket.write(bytes),
    received: () => received,
    closed: new Promise((resolve) => socket.once('close', () => resolve(received))),
  };
}

/** Sends bytes as they are and returns all that comes back until the server closes. */
export async function exchanged(port: number, bytes: string): Promise<string> {
  const client = rawClient(port);
  client.send(bytes);
  return await client.closed;
}

/** Matches an answer that ends in an error of the envelope; the first group is its code. */
export const errorEnvelope =
  /\r\ncontent-type: application\/json[\s\S]*\{"status":"error","error":\{"code":"(\w+)","message":"[^"]+","requestId":"[^"]+"\}\}$/i;
