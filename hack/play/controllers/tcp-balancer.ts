/**
 * One local port that leads to a changing set of endpoints, as a Service's virtual address does.
 *
 * Connections go round-robin; an endpoint that refuses is skipped for the next one, which is safe
 * since nothing has been sent yet. Connections that are open when an endpoint leaves the set stay:
 * a draining pod finishes its answers. With no endpoint the connection is reset at once, as in a
 * cluster. Closing waits for open connections up to a bound.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Endpoint } from './service.ts';

const connectTimeoutMs = 1_000;

export class TcpBalancer {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #endpoints: readonly Endpoint[] = [];
  #turn = 0;
  #port = 0;

  private constructor() {
    this.#server = createServer({ allowHalfOpen: true }, (client) => void this.#serve(client));
  }

  /** Takes the preferred port if it is free, so that a printed URL stays right over restarts. */
  static async listen(host: string, preferredPort: number | undefined): Promise<TcpBalancer> {
    const balancer = new TcpBalancer();
    if (preferredPort === undefined || !(await balancer.#tryListen(host, preferredPort)))
      await balancer.#tryListen(host, 0);
    return balancer;
  }

  /** Stays what it was after the close, since it is remembered for the next run. */
  get port(): number {
    return this.#port;
  }

  setEndpoints(endpoints: readonly Endpoint[]): void {
    this.#endpoints = endpoints;
  }

  async close(graceMs: number): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    const timer = setTimeout(() => {
      for (const socket of this.#open) socket.destroy();
    }, graceMs);
    await closed;
    clearTimeout(timer);
  }

  async #tryListen(host: string, port: number): Promise<boolean> {
    return new Promise((resolve) => {
      this.#server.once('error', () => resolve(false));
      this.#server.listen(port, host, () => {
        this.#server.removeAllListeners('error');
        this.#port = (this.#server.address() as AddressInfo).port;
        resolve(true);
      });
    });
  }

  async #serve(client: Socket): Promise<void> {
    this.#track(client);
    const upstream = await this.#connect();
    if (upstream === undefined || client.destroyed) {
      upstream?.destroy();
      client.resetAndDestroy();
      return;
    }
    this.#track(upstream);
    upstream.on('close', () => client.destroy());
    client.on('close', () => upstream.destroy());
    client.pipe(upstream).pipe(client);
  }

  #track(socket: Socket): void {
    this.#open.add(socket);
    socket.setNoDelay(true);
    // What a failed connection means is for its two ends; here it only goes away.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#open.delete(socket));
  }

  async #connect(): Promise<Socket | undefined> {
    const endpoints = this.#endpoints;
    const first = this.#turn++;
    for (let index = 0; index < endpoints.length; index++) {
      const endpoint = endpoints[(first + index) % endpoints.length];
      const socket = endpoint && (await connectTo(endpoint));
      if (socket !== undefined) return socket;
    }
    return undefined;
  }
}

async function connectTo(endpoint: Endpoint): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ ...endpoint, allowHalfOpen: true });
    const fail = (): void => {
      socket.destroy();
      resolve(undefined);
    };
    socket.setTimeout(connectTimeoutMs, fail);
    socket.once('error', fail);
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.removeListener('error', fail);
      resolve(socket);
    });
  });
}
