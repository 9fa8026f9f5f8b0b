/** TLS in front of a server that has none, with a certificate that a test may change. */
import { connect, type AddressInfo } from 'node:net';
import { createServer } from 'node:tls';

export interface ServerCertificate {
  readonly certificate: string;
  readonly key: string;
}

export interface TlsFront extends AsyncDisposable {
  /** The URL that was given, with `https://localhost` and the front's port in it. */
  readonly url: string;
  /** How often somebody has connected, trusting or not. */
  connections(): number;
  /** From the next connection on. */
  present(certificate: ServerCertificate): void;
}

export async function tlsFront(url: string, shown: ServerCertificate): Promise<TlsFront> {
  const target = new URL(url);
  const contextOf = ({ certificate, key }: ServerCertificate) => ({ cert: certificate, key });
  const server = createServer(contextOf(shown), (client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on('error', () => undefined).on('close', () => to.destroy());
      from.pipe(to);
    }
  });
  let connections = 0;
  const open = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => {
    connections += 1;
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  // Whoever does not trust us hangs up.
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const front = new URL(url);
  front.protocol = 'https:';
  front.hostname = 'localhost';
  front.port = String((server.address() as AddressInfo).port);
  return {
    url: front.href,
    connections: () => connections,
    present: (certificate) => server.setSecureContext(contextOf(certificate)),
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
