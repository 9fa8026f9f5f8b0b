/**
 * An HTTP server that answers what a test says, for what no real API server can be made to do.
 *
 * It counts its connections and can see them close. Whatever it still holds open at the end of the
 * test is cut off.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Connection } from '../connection.ts';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface FakeServer extends AsyncDisposable {
  readonly connection: Connection;
  /** Those that were ever opened. */
  readonly connectionsMade: () => number;
  readonly connectionsOpen: () => number;
  readonly requests: readonly IncomingMessage[];
}

export async function fakeServer(answer: Answer): Promise<FakeServer> {
  const sockets = new Set<Socket>();
  const requests: IncomingMessage[] = [];
  let made = 0;
  const server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  server.on('connection', (socket) => {
    made++;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    connection: {
      server: `http://127.0.0.1:${port}`,
      namespace: 'default',
      tls: {},
      credentials: { type: 'none' },
    },
    connectionsMade: () => made,
    connectionsOpen: () => sockets.size,
    requests,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers in turn; the last one again and again. */
export function inTurn(...answers: readonly Answer[]): Answer {
  let turn = 0;
  return (request, response) => {
    const answer = answers[Math.min(turn++, answers.length - 1)];
    answer?.(request, response);
  };
}

export function json(body: unknown, code = 200, headers: Record<string, string> = {}): Answer {
  return (_request, response) => {
    response.writeHead(code, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
}

/** As the API server says why not. */
export function status(code: number, reason: string, headers: Record<string, string> = {}): Answer {
  const body = { kind: 'Status', status: 'Failure', code, reason, message: `${reason} it is` };
  return json(body, code, headers);
}

/** Takes the request and never says a word. */
export const silence: Answer = () => undefined;

export function query(request: IncomingMessage | undefined): URLSearchParams {
  return new URL(request?.url ?? '/', 'http://any').searchParams;
}
