/**
 * The open connections: one pool for calls and one for watches, so that no number of watches can
 * starve the calls.
 *
 * HTTP/1.1 on purpose: over HTTP/2 one black-holed connection takes every call with it, unnoticed
 * for the better part of a minute (measured). A pool is replaced when the TLS files have changed,
 * and when a call timed out: the other idle connections may lead to the same silent peer, and each
 * would cost somebody a timeout of their own. What is under way on a replaced pool goes on there.
 */
import { Pool } from 'undici';
import type { TlsMaterial } from './identity.ts';
import { keepAliveMs, tcpKeepAliveMs, type TransportLimits } from './limits.ts';

export class Connections {
  readonly #origin: string;
  readonly #limits: TransportLimits;
  readonly #open = new Set<Pool>();
  #tls: TlsMaterial | undefined;
  #calls: Pool | undefined;
  #watches: Pool | undefined;
  #isClosed = false;

  constructor(server: string, limits: TransportLimits) {
    this.#origin = new URL(server).origin;
    this.#limits = limits;
  }

  forCalls(tls: TlsMaterial): Pool {
    this.#use(tls);
    const { connectionsMax: connections, attemptMs: headersTimeout, idleMs } = this.#limits;
    this.#calls ??= this.#pool({ connections, headersTimeout, bodyTimeout: idleMs });
    return this.#calls;
  }

  forWatches(tls: TlsMaterial): Pool {
    this.#use(tls);
    const headersTimeout = this.#limits.watchHeadersMs;
    this.#watches ??= this.#pool({ connections: null, headersTimeout, bodyTimeout: 0 });
    return this.#watches;
  }

  /** Later calls open new connections. */
  distrust(pool: Pool): void {
    if (pool === this.#calls) this.#calls = undefined;
    else if (pool === this.#watches) this.#watches = undefined;
    else return;
    this.#retire(pool);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#open].map(async (pool) => await pool.destroy()));
  }

  #use(tls: TlsMaterial): void {
    if (tls === this.#tls) return;
    this.#tls = tls;
    for (const pool of [this.#calls, this.#watches]) if (pool !== undefined) this.#retire(pool);
    this.#calls = undefined;
    this.#watches = undefined;
  }

  #retire(pool: Pool): void {
    pool.close().then(
      () => this.#open.delete(pool),
      () => this.#open.delete(pool),
    );
  }

  #pool(options: Pick<Pool.Options, 'connections' | 'headersTimeout' | 'bodyTimeout'>): Pool {
    const pool = new Pool(this.#origin, {
      ...options,
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      connect: {
        ...this.#tls,
        timeout: this.#limits.connectMs,
        keepAlive: true,
        keepAliveInitialDelay: tcpKeepAliveMs,
      },
    });
    this.#open.add(pool);
    // A pool that was made for a call that raced with close must not outlive it.
    if (this.#isClosed) void pool.destroy();
    return pool;
  }
}
