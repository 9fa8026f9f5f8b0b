/**
 * Makes a server on this host's loopback reachable at another address of this host: pods cannot reach
 * loopback, and no backend should listen anywhere else for their sake.
 *
 * Bytes pass in both directions at the pace of the slower side, half-closed connections stay so, and
 * a connection that breaks on one side breaks on the other. It knows nothing of what it carries, and
 * holds no more than `connectionsMax` connections: who comes after that is turned away at once.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface ForwarderOptions {
  /** Address of this host to listen at. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** On 127.0.0.1. */
  readonly targetPort: number;
  readonly connectionsMax?: number;
  /** Who listens at that end; 127.0.0.1 unless told. */
  readonly targetHost?: string;
}

export interface Forwarder extends AsyncDisposable {
  readonly port: number;
  readonly connections: number;
}

/** More than Postgres and the pools of a few dozen pods together can use. */
const defaultConnectionsMax = 512;
/** How long half a connection may be silent after the other half has ended. */
const halfOpenIdleMs = 60_000;

export async function startForwarder(options: ForwarderOptions): Promise<Forwarder> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) =>
    forward(client, options, sockets),
  );
  server.maxConnections = options.connectionsMax ?? defaultConnectionsMax;
  server.listen(options.port, options.host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return sockets.size / 2;
    },
    [Symbol.asyncDispose]: async () => close(server, sockets),
  };
}

function forward(client: Socket, options: ForwarderOptions, sockets: Set<Socket>): void {
  const target = connect({
    host: options.targetHost ?? '127.0.0.1',
    port: options.targetPort,
    allowHalfOpen: true,
    noDelay: true,
  });
  for (const [socket, other] of [
    [client, target],
    [target, client],
  ] as const) {
    sockets.add(socket);
    // A reset here is a reset there: whoever reads must not take what it has for all there was.
    socket.on('error', () => other.resetAndDestroy());
    socket.once('close', () => {
      sockets.delete(socket);
      other.destroySoon();
    });
    // Who has ended may be gone altogether; the other side is not kept waiting for ever.
    socket.once('end', () => other.setTimeout(halfOpenIdleMs, () => other.resetAndDestroy()));
    // `pipe` waits for the other side, and passes the end of the stream on as its end.
    socket.pipe(other);
  }
}

async function close(server: Server, sockets: Set<Socket>): Promise<void> {
  server.close();
  for (const socket of sockets) socket.destroy();
  if (server.listening) await once(server, 'close');
}
