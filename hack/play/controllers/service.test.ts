import { createServer, type AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { pod } from '../test/pods.ts';
import { endpointsOf, type Service } from './service.ts';
import { TcpBalancer } from './tcp-balancer.ts';

const app = { app: 'web' };

function service(targetPort: number | string): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'default' },
    spec: { selector: app, ports: [{ port: 80, targetPort }] },
  };
}

test('leads to ready pods that match, by the name of their port', () => {
  const pods = [
    pod({ name: 'ready', labels: app, ready: true, port: 1_001 }),
    pod({ name: 'starting', labels: app, port: 1_002 }),
    pod({ name: 'other', labels: { app: 'db' }, ready: true, port: 1_003 }),
    pod({ name: 'ending', labels: app, ready: true, isTerminating: true, port: 1_004 }),
    pod({ name: 'ended', labels: app, ready: true, phase: 'Failed', port: 1_005 }),
  ];

  const endpoints = endpointsOf(service('http'), { port: 80, targetPort: 'http' }, pods);

  expect(endpoints).toEqual([{ host: '127.0.0.1', port: 1_001 }]);
});

test('leads nowhere without a selector or with a port name no pod has', () => {
  const pods = [pod({ name: 'ready', labels: app, ready: true })];
  const bare = { ...service('http'), spec: { ports: [{ port: 80 }] } };

  expect(endpointsOf(bare, { port: 80 }, pods)).toEqual([]);
  expect(endpointsOf(service('grpc'), { port: 80, targetPort: 'grpc' }, pods)).toEqual([]);
});

/** A server that greets with its name and then repeats what it hears. */
async function greeter(name: string) {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.write(name);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What a client hears when it sends `text` and half-closes; undefined when it is reset. */
async function ask(port: number, text: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let heard = '';
    const socket = connect(port, '127.0.0.1');
    socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    socket.on('error', () => resolve(undefined));
    socket.on('end', () => resolve(heard));
    socket.end(text);
  });
}

test('takes turns between endpoints and carries bytes both ways', async () => {
  await using one = await greeter('one:');
  await using two = await greeter('two:');
  const balancer = await TcpBalancer.listen('127.0.0.1', undefined);
  balancer.setEndpoints([one, two]);

  const heard = [];
  for (let index = 0; index < 4; index++) heard.push(await ask(balancer.port, 'hello'));

  expect(heard).toEqual(['one:hello', 'two:hello', 'one:hello', 'two:hello']);
  await balancer.close(1_000);
});

test('skips an endpoint that refuses', async () => {
  const gone = await greeter('gone:');
  await gone[Symbol.asyncDispose]();
  await using alive = await greeter('alive:');
  const balancer = await TcpBalancer.listen('127.0.0.1', undefined);
  balancer.setEndpoints([gone, alive]);

  const heard = await Promise.all([ask(balancer.port, 'x'), ask(balancer.port, 'y')]);

  expect(heard).toEqual(['alive:x', 'alive:y']);
  await balancer.close(1_000);
});

test('resets connections while there is no endpoint', async () => {
  const balancer = await TcpBalancer.listen('127.0.0.1', undefined);

  expect(await ask(balancer.port, 'x')).toBeUndefined();
  await balancer.close(1_000);
});

test('lets an open connection finish when its endpoint leaves and when it closes itself', async () => {
  await using one = await greeter('one:');
  const balancer = await TcpBalancer.listen('127.0.0.1', undefined);
  balancer.setEndpoints([one]);
  const socket = connect(balancer.port, '127.0.0.1');
  let heard = '';
  const greeted = new Promise<void>((resolve) =>
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString();
      resolve();
    }),
  );
  await greeted;

  balancer.setEndpoints([]);
  const closed = balancer.close(5_000);
  const ended = new Promise((resolve) => socket.on('end', resolve));
  socket.end('bye');
  await ended;
  await closed;

  expect(heard).toBe('one:bye');
});

test('keeps its preferred port when that is free and takes another when not', async () => {
  const first = await TcpBalancer.listen('127.0.0.1', undefined);
  const { port } = first;

  const second = await TcpBalancer.listen('127.0.0.1', port);
  expect(second.port).not.toBe(port);
  await first.close(0);
  const third = await TcpBalancer.listen('127.0.0.1', port);

  expect(third.port).toBe(port);
  await Promise.all([second.close(0), third.close(0)]);
});
