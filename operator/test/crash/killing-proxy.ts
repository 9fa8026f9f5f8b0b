/**
 * Stands between one operator and the real API server, and has the operator killed at one exact write:
 * before the server was told of it, or after the server has done it and before the answer is sent.
 *
 * The product has no hook for this; it is given a kubeconfig that leads here. Writes are counted from
 * 0 over all lives of the operator, events and Leases left out. What the server made and removed is
 * kept, so that a second Job shows though it be gone at the end.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as requestOverTls } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { systemClock } from '@millrace/kit/clock';
import { loadConnection } from '../../src/kube/connection.ts';
import { Identity } from '../../src/kube/identity.ts';

export interface KillPoint {
  readonly write: number;
  readonly isDone: boolean;
}

export interface KillingProxy extends AsyncDisposable {
  readonly kubeconfig: string;
  /** What was asked for, in order, such as `PATCH jobs/users-coordinator`. */
  readonly writes: readonly string[];
  /** What the server made or removed, such as `made jobs/users-coordinator`. */
  readonly effects: readonly string[];
}

interface Options {
  /** Of the real server. */
  readonly kubeconfig: string;
  readonly point: KillPoint | undefined;
  /** Ends the operator, at once. */
  readonly kill: () => void;
}

export async function killingProxy({ kubeconfig, point, kill }: Options): Promise<KillingProxy> {
  const forward = await upstream(kubeconfig);
  const writes: string[] = [];
  const effects: string[] = [];
  const sockets = new Set<Socket>();
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const write = writeOf(request);
    const number = write === undefined ? -1 : writes.push(write) - 1;
    if (number === point?.write && !point.isDone) return kill();
    const body = await buffer(request);
    const reply = await forward(request, body);
    if (write === undefined) return pass(reply, response);
    const text = await buffer(reply);
    const effect = effectOf(request, reply);
    if (effect !== undefined) effects.push(`${effect} ${objectOf(request)}`);
    if (number === point?.write) return kill();
    response.writeHead(reply.statusCode ?? 502, reply.headers).end(text);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const folder = await mkdtemp(join(tmpdir(), 'millrace-killing-proxy-'));
  const path = join(folder, 'kubeconfig');
  await writeFile(path, kubeconfigFor((server.address() as AddressInfo).port));
  return {
    kubeconfig: path,
    writes,
    effects,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true });
    },
  };
}

type Forward = (request: IncomingMessage, body: Buffer) => Promise<IncomingMessage>;

async function upstream(kubeconfig: string): Promise<Forward> {
  const connection = await loadConnection({ kubeconfig, env: process.env });
  const identity = new Identity(connection, systemClock);
  return async ({ method, url = '/', headers }, body) => {
    const { authorization, tls } = await identity.current();
    const { host: _host, connection: _connection, ...kept } = headers;
    return await new Promise((resolve, reject) => {
      const call = requestOverTls(new URL(url, connection.server), {
        method,
        ...tls,
        headers: { ...kept, ...(authorization === undefined ? {} : { authorization }) },
      });
      call.once('response', resolve).once('error', reject).end(body);
    });
  };
}

function pass(reply: IncomingMessage, response: ServerResponse): void {
  response.writeHead(reply.statusCode ?? 502, reply.headers);
  response.flushHeaders();
  reply.pipe(response);
  // A watch that the operator has left must not stay open on the server.
  response.once('close', () => reply.destroy());
  reply.once('error', () => response.destroy());
}

/** Undefined for what changes nothing that is compared. */
function writeOf(request: IncomingMessage): string | undefined {
  const { method = 'GET', url = '' } = request;
  if (method === 'GET' || /\/(events|leases)\b/.test(url) || url.includes('dryRun=')) {
    return undefined;
  }
  return `${method} ${objectOf(request)}`;
}

/** `jobs/users-coordinator`, with the subresource if there is one. */
function objectOf({ url = '' }: IncomingMessage): string {
  const { pathname } = new URL(url, 'http://proxy');
  return pathname.split('/namespaces/')[1]?.split('/').slice(1).join('/') ?? pathname;
}

function effectOf({ method }: IncomingMessage, reply: IncomingMessage): string | undefined {
  if (reply.statusCode === 201) return 'made';
  return method === 'DELETE' && reply.statusCode === 200 ? 'removed' : undefined;
}

function kubeconfigFor(port: number): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'proxy', cluster: { server: `http://127.0.0.1:${port}` } }],
    users: [{ name: 'nobody', user: {} }],
    contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'nobody' } }],
    'current-context': 'proxy',
  });
}
