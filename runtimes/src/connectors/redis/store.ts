/**
 * Redis as the mechanisms see it: a few string commands over one connection that fail fast.
 *
 * Guarantees: no command waits longer than its limit, is queued while there is no connection, or is
 * sent twice; every error leaves as one of our failures (see failures.ts); reconnecting goes on for
 * ever with back-off, and reads the URL again each time, so that a rotated Secret needs no restart.
 * It does not retry: loops that own a unit of work do.
 */
import { Redis } from 'ioredis';
import { systemClock, type Clock } from '@millrace/kit/clock';
import type { Failure } from '@millrace/kit/failure';
import type { Log } from '@millrace/kit/log';
import { createCircuit } from './circuit.ts';
import { transient, translate } from './failures.ts';

export interface RedisStore extends AsyncDisposable {
  /**
   * Which run of which server is connected; undefined without a connection. A restarted or failed
   * over server may have forgotten writes that it had acknowledged, so what was read from one run
   * proves nothing about another.
   */
  serverRun(): string | undefined;
  get(key: string): Promise<string | undefined>;
  /** Without `ttlMs` the key lives until it is overwritten or evicted. */
  set(key: string, value: string, options?: { readonly ttlMs?: number }): Promise<void>;
  /** The value the key has afterwards: its own if it had one, else `value`. */
  setIfAbsent(key: string, value: string): Promise<string>;
  ping(): Promise<void>;
}

export interface RedisOptions {
  /** Read again at each reconnect. */
  url(): string;
  /** PEM certificates to trust for rediss:. */
  caBundle?(): string | undefined;
  /** Longest wait for one answer; on request paths a fraction of what the caller may take. */
  readonly commandTimeoutMs: number;
  readonly log: Log;
  readonly clock?: Clock;
}

const connectTimeoutMs = 2_000;
/** A half-open connection looks like a silent server: after this long a new one is made. */
const socketSilenceMs = 5_000;
const reconnectBaseMs = 50;
const reconnectMaxMs = 2_000;
/** Three in a row are no accident; a second is soon enough to notice that the server is back. */
const circuitFailuresMax = 3;
const circuitOpenMs = 1_000;

export function openRedis(options: RedisOptions): RedisStore {
  const clock = options.clock ?? systemClock;
  const circuit = createCircuit({
    clock,
    failuresMax: circuitFailuresMax,
    openMs: circuitOpenMs,
  });
  let closed = false;
  // While there is no usable URL, why.
  let unusable: Failure | undefined;
  let connection: Connection | undefined;
  connect();

  function connect(): void {
    if (closed) return;
    try {
      connection = openConnection(options, connect);
      unusable = undefined;
    } catch (error) {
      // The Secret is incomplete or wrong: whoever corrects it need not restart us.
      unusable = translate(error, 'Reading the Redis URL');
      options.log.warn({ err: unusable }, 'redis cannot be connected to');
      setTimeout(connect, reconnectMaxMs).unref();
    }
  }

  const run = async <T>(attempted: string, command: (redis: Redis) => Promise<T>): Promise<T> => {
    if (unusable !== undefined) throw unusable;
    if (connection?.serverRun() === undefined) throw transient('NotConnected', attempted);
    if (!circuit.allows()) throw transient('Silent', attempted);
    try {
      const result = await command(connection.redis);
      circuit.succeeded();
      return result;
    } catch (error) {
      circuit.failed();
      throw translate(error, attempted);
    }
  };

  return {
    serverRun: () => connection?.serverRun(),
    get: async (key) => (await run('Reading from Redis', (redis) => redis.get(key))) ?? undefined,
    set: async (key, value, { ttlMs } = {}) => {
      await run('Writing to Redis', (redis) =>
        ttlMs === undefined ? redis.set(key, value) : redis.set(key, value, 'PX', ttlMs),
      );
    },
    setIfAbsent: (key, value) =>
      run('Writing to Redis', async (redis) => {
        await redis.set(key, value, 'NX');
        return (await redis.get(key)) ?? value;
      }),
    ping: async () => {
      await run('Asking Redis', (redis) => redis.ping());
    },
    [Symbol.asyncDispose]: async () => {
      closed = true;
      connection?.redis.disconnect();
    },
  };
}

interface Connection {
  readonly redis: Redis;
  serverRun(): string | undefined;
}

/** `replace` is called once, when the URL has changed and this connection will not come back. */
function openConnection(options: RedisOptions, replace: () => void): Connection {
  const { log } = options;
  const url = options.url();
  let serverRun: string | undefined;
  const redis = new Redis(redisUrl(url), {
    lazyConnect: true,
    connectTimeout: connectTimeoutMs,
    commandTimeout: options.commandTimeoutMs,
    socketTimeout: socketSilenceMs,
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    enableAutoPipelining: true,
    ...tlsFor(url, options.caBundle?.()),
    retryStrategy: (attempt) => {
      if (hasNewUrl(options, url)) {
        queueMicrotask(replace);
        return null;
      }
      const backoff = Math.min(reconnectBaseMs * 2 ** Math.min(attempt, 10), reconnectMaxMs);
      return backoff * (0.8 + 0.4 * Math.random());
    },
  });
  // Unheard, the event would end the process; the caller of a command gets its own error.
  redis.on('error', (error: unknown) => {
    log.debug({ err: translate(error, 'Connecting to Redis') }, 'redis connection failed');
  });
  redis.on('close', () => {
    serverRun = undefined;
  });
  redis.on('ready', () => {
    readServerRun(redis).then(
      (id) => {
        serverRun = redis.status === 'ready' ? id : undefined;
      },
      () => redis.disconnect(true),
    );
  });
  // A refused first connection is retried like a lost one.
  redis.connect().catch(() => undefined);
  return { redis, serverRun: () => serverRun };
}

function redisUrl(text: string): string {
  const url = URL.parse(text.trim());
  if (url === null || !/^rediss?:$/.test(url.protocol)) {
    throw transient('BadUrl', 'Reading the Redis URL');
  }
  return url.href;
}

/** A URL that cannot be read or used right now is no reason to give up the one at hand. */
function hasNewUrl(options: RedisOptions, url: string): boolean {
  try {
    const next = options.url();
    return next !== url && redisUrl(next) !== '';
  } catch {
    return false;
  }
}

function tlsFor(url: string, caBundle: string | undefined): { tls?: { ca?: string } } {
  if (!url.trim().startsWith('rediss:')) return {};
  return { tls: caBundle === undefined ? {} : { ca: caBundle } };
}

/** Servers that keep INFO from us all look alike: restarts are then not told apart, lifetimes still bound what is stale. */
const unknownRun = 'unknown';

async function readServerRun(redis: Redis): Promise<string> {
  try {
    return /^run_id:(\w+)/m.exec(await redis.info('server'))?.[1] ?? unknownRun;
  } catch (error) {
    if (translate(error, 'Asking Redis').code === 'PermissionDenied') return unknownRun;
    throw error;
  }
}
