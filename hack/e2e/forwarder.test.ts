import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { startForwarder } from './forwarder.ts';

const loopback = '127.0.0.1';

async function listening(
  answer: (socket: Socket) => void,
): Promise<AsyncDisposable & { port: number }> {
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    answer(socket);
  });
  server.listen(0, loopback);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close();
    },
  };
}

async function forwarderTo(targetPort: number, connectionsMax = 8) {
  return startForwarder({ host: loopback, port: 0, targetPort, connectionsMax });
}

it('carries bytes both ways, and an end as an end while the other half goes on', async () => {
  await using server = await listening((socket) => void socket.pipe(socket));
  await using forwarder = await forwarderTo(server.port);
  const sent = Buffer.alloc(3_000_000, 'increments ');

  const client = connect({ port: forwarder.port, host: loopback, allowHalfOpen: true });
  client.end(sent);

  expect((await buffer(client)).equals(sent)).toBe(true);
});

it('breaks the connection of a client whose server has broken it', async () => {
  await using server = await listening((socket) => {
    socket.write('half');
    socket.once('data', () => socket.resetAndDestroy());
  });
  await using forwarder = await forwarderTo(server.port);
  const client = connect({ port: forwarder.port, host: loopback });
  await once(client, 'data');

  client.write('go on');

  await expect(text(client)).rejects.toThrow('ECONNRESET');
});

it('ends the connection at once when nobody listens behind it', async () => {
  const server = await listening(() => undefined);
  await server[Symbol.asyncDispose]();
  await using forwarder = await forwarderTo(server.port);
  const client = connect({ port: forwarder.port, host: loopback });

  await expect(text(client)).rejects.toThrow('ECONNRESET');
});

it('turns away who comes after the last connection that it may hold', async () => {
  await using server = await listening((socket) => {
    socket.write('hello');
    socket.resume().once('end', () => socket.end());
  });
  await using forwarder = await forwarderTo(server.port, 1);
  const first = connect({ port: forwarder.port, host: loopback });
  await once(first, 'data');

  const second = connect({ port: forwarder.port, host: loopback });

  expect(await text(second).catch(() => '')).toBe('');
  expect(forwarder.connections).toBe(1);
  first.destroy();
  await expect.poll(() => forwarder.connections).toBe(0);
});
