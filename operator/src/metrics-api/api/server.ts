/**
 * HTTPS around the metrics API: certificates that change under it, and a bound on everything that a
 * stranger can bring.
 *
 * A client certificate is asked for and not demanded; whether it was verified is in the connection.
 * Authorities and our own certificate are replaced without a restart. Connections that were made when
 * other authorities were trusted are closed as they become idle, and prove nothing any more. Only
 * front proxies, of which a cluster has a few, may keep a connection open between requests.
 */
import { constants } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import { TLSSocket as SecureSocket } from 'node:tls';
import type { Peer } from '../access/callers.ts';
import type { Issued } from '../certificates/issue.ts';
import type { Answered, ApiRequest } from './metrics-api.ts';
import { refused } from './reply.ts';

export interface ServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Requests at work, each of which holds at most one review at the API server. */
  readonly requestsMax?: number;
  readonly answer: (request: ApiRequest) => Promise<Answered>;
  readonly onAnswered: (event: {
    readonly route: Answered['route'];
    readonly code: number;
    readonly durationMs: number;
  }) => void;
}

export interface Material {
  readonly served: Issued;
  /** PEM of the authorities of front proxies; without any no client certificate is verified. */
  readonly clientAuthorities: string | undefined;
}

interface Connected {
  /** Which authorities were trusted when it was made. */
  readonly trust: number;
  requests: number;
}

/** Connections; a cluster's API servers and autoscalers need a dozen. */
const connectionsMax = 256;
const defaultRequestsMax = 128;
/** Of all headers together: a token is below 2 kB, a user in a thousand groups of a proxy below 16. */
const headerBytesMax = 32 * 1024;
const handshakeMs = 5_000;
const headersMs = 5_000;
const requestMs = 10_000;
/** Longer than the 90 s after which API servers close idle connections, so that they do it first. */
const idleMs = 120_000;

export class ApiServer {
  readonly #options: ServerOptions;
  readonly #server: Server;
  readonly #connections = new Map<Socket, Connected>();
  #trust = 0;
  #material: Material;
  #requests = 0;
  #isDraining = false;

  constructor(options: ServerOptions, material: Material) {
    this.#options = options;
    this.#material = material;
    this.#server = createServer(
      {
        ...contextOf(material),
        requestCert: true,
        // Refused by the answer, and not by the connection: whoever has a token needs no certificate.
        rejectUnauthorized: false,
        handshakeTimeout: handshakeMs,
        maxHeaderSize: headerBytesMax,
        headersTimeout: headersMs,
        requestTimeout: requestMs,
        connectionsCheckingInterval: 2_000,
        keepAliveTimeout: idleMs,
      },
      (request, response) => void this.#serve(request, response),
    );
    this.#server.maxConnections = connectionsMax;
    this.#server.on('secureConnection', (socket) => {
      this.#connections.set(socket, { trust: this.#trust, requests: 0 });
      socket.once('close', () => this.#connections.delete(socket));
    });
    // A stranger who does not speak TLS is nobody's failure.
    this.#server.on('tlsClientError', (_error, socket) => socket.destroy());
  }

  async listen(): Promise<number> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.removeListener('error', reject);
        resolve();
      });
    });
    return (this.#server.address() as AddressInfo).port;
  }

  /** New connections get it; those that were made under other authorities end. */
  use(material: Material): void {
    const isTrustChanged = material.clientAuthorities !== this.#material.clientAuthorities;
    this.#material = material;
    this.#server.setSecureContext(contextOf(material));
    if (!isTrustChanged) return;
    this.#trust++;
    this.#closeIdle();
  }

  /** Answers what has begun, then resolves; what is not done when the signal aborts is cut off. */
  async close(signal: AbortSignal): Promise<void> {
    this.#isDraining = true;
    const cut = (): void => this.#server.closeAllConnections();
    if (signal.aborted) cut();
    signal.addEventListener('abort', cut, { once: true });
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#closeIdle();
    await closed;
    signal.removeEventListener('abort', cut);
  }

  /** Node would leave those open that have not brought a request yet, as a client may keep in stock. */
  #closeIdle(): void {
    for (const [socket, { requests }] of this.#connections) if (requests === 0) socket.destroy();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const began = performance.now();
    const peer = this.#peerOf(request.socket);
    this.#requests++;
    this.#occupy(request.socket, response);
    try {
      const { route, reply } = await this.#answer(request, peer);
      response.shouldKeepAlive &&= this.#isKept(request);
      const body = JSON.stringify(reply.body);
      response.writeHead(reply.code, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'cache-control': 'no-store',
        ...(reply.code === 429 ? { 'retry-after': '1' } : {}),
      });
      response.end(body);
      const durationMs = performance.now() - began;
      this.#options.onAnswered({ route, code: reply.code, durationMs });
    } finally {
      this.#requests--;
    }
  }

  /** Until the last byte of the answer is handed over: only then may the connection be destroyed. */
  #occupy(socket: Socket, response: ServerResponse): void {
    const connected = this.#connections.get(socket);
    if (connected === undefined) return;
    connected.requests++;
    response.once('close', () => {
      connected.requests--;
      if (this.#isDraining && connected.requests === 0) socket.destroySoon();
    });
  }

  async #answer(request: IncomingMessage, peer: Peer): Promise<Answered> {
    if (this.#requests > (this.#options.requestsMax ?? defaultRequestsMax)) {
      return { route: 'unknown', reply: refused(429, 'Too many requests at once.') };
    }
    if (hasBody(request)) {
      return { route: 'unknown', reply: refused(400, 'A request here has no body.') };
    }
    return await this.#options.answer({
      method: request.method ?? '',
      url: request.url ?? '/',
      // Not joined by commas, which a group's name may contain.
      headers: request.headersDistinct,
      peer,
    });
  }

  /** Asked when the answer is there: authorities may have changed meanwhile. */
  #isKept(request: IncomingMessage): boolean {
    const isProxy = this.#peerOf(request.socket).commonName !== undefined;
    return isProxy && !this.#isDraining && !hasBody(request);
  }

  #peerOf(socket: Socket): Peer {
    const isCurrent = this.#connections.get(socket)?.trust === this.#trust;
    if (!isCurrent || !isVerified(socket)) return { commonName: undefined };
    const name: unknown = socket.getPeerCertificate().subject?.CN;
    return { commonName: typeof name === 'string' ? name : undefined };
  }
}

function isVerified(socket: Socket): socket is TLSSocket {
  return socket instanceof SecureSocket && socket.authorized;
}

function contextOf({ served, clientAuthorities }: Material): SecureContextOptions {
  return {
    key: served.key,
    cert: served.certificate,
    // An empty list and not none, which would stand for every public authority that Node knows.
    ca: clientAuthorities === undefined ? [] : [clientAuthorities],
    minVersion: 'TLSv1.2',
    // A session that is resumed would bring along what was verified under other authorities.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}
