/**
 * A TCP proxy in front of a real server, for outages that a test can begin and end at will.
 *
 * `mute` carries what clients send and holds back every answer, so that what was asked is done and
 * nobody hears of it. `stopped` refuses connections and resets those that are open, as a stopped server does. `frozen`
 * accepts connections and moves no byte in either direction, as a server under SIGSTOP or behind a
 * dead network does.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export type ProxyState = 'passing' | 'mute' | 'stopped' | 'frozen';

export interface FaultProxy extends AsyncDisposable {
  /** The URL that was given, with the proxy's address in it. */
  readonly url: string;
  set(state: ProxyState): void;
  /** To every client, as if the server had said it. */
  say(bytes: Buffer): void;
}

export async function faultProxy(url: string): Promise<FaultProxy> {
  const target = new URL(url);
  const sockets = new Map<Socket, 'client' | 'server'>();
  let state: ProxyState = 'passing';
  const server = createServer((client) => {
    if (state === 'stopped') {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(Number(target.port), target.hostname);
    for (const [from, to, side] of [
      [client, upstream, 'client'],
      [upstream, client, 'server'],
    ] as const) {
      sockets.set(from, side);
      from.on('data', (bytes) => to.write(bytes));
      from.on('error', () => undefined);
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      if (isHeld(side, state)) from.pause();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxied = new URL(url);
  proxied.hostname = '127.0.0.1';
  proxied.port = String((server.address() as AddressInfo).port);
  return {
    url: proxied.href,
    set: (next) => {
      state = next;
      for (const [socket, side] of sockets) {
        if (next === 'stopped') socket.resetAndDestroy();
        else if (isHeld(side, next)) socket.pause();
        else socket.resume();
      }
    },
    say: (bytes) => {
      for (const [socket, side] of sockets) if (side === 'client') socket.write(bytes);
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets.keys()) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function isHeld(side: 'client' | 'server', state: ProxyState): boolean {
  return state === 'frozen' || (state === 'mute' && side === 'server');
}
