/**
 * One connection to Redis that comes back by itself, and never leaves a caller in doubt about what it
 * did.
 *
 * States: connecting → preparing → ready → lost → connecting …, until closed. `prepare` runs on every
 * new connection before anybody else's command; while it fails, the link is not ready, says why, and
 * tries again each second. Guarantees: no command waits longer than its limit, is queued while the
 * link is not ready, or is sent twice. A failure with the code NotConnected, or with the refusal of a
 * server, was not done; Silent and ConnectionLost mean that it may have been. The URL is read again
 * at each attempt, so that a rotated Secret needs no restart. It does not retry: who owns the work does.
 */
import { createHash } from 'node:crypto';
import { Command, Redis } from 'ioredis';
import { systemClock, type Clock } from '@millrace/kit/clock';
import type { Failure } from '@millrace/kit/failure';
import type { Log } from '@millrace/kit/log';
import { isUnknownScript, transient, translate } from './failures.ts';

export type RedisArgument = string | Buffer | number;

export interface RedisScript {
  /** For the log. */
  readonly name: string;
  readonly lua: string;
}

export interface RedisCommands {
  /** `args` begins with the command's name; strings arrive as Buffers. */
  call(attempted: string, args: readonly RedisArgument[]): Promise<unknown>;
  /** Sent by its digest; the text travels when the server does not know it, which is before it runs. */
  script(
    attempted: string,
    script: RedisScript,
    use: { readonly keys: readonly string[]; readonly args: readonly RedisArgument[] },
  ): Promise<unknown>;
}

export interface RedisLink extends RedisCommands, AsyncDisposable {
  isReady(): boolean;
  /** Why it is not ready. */
  failure(): Failure | undefined;
}

export interface RedisLinkOptions {
  /** Read again at each reconnect. */
  url(): string;
  /** PEM certificates to trust for rediss:. */
  caBundle?(): string | undefined;
  /** Longest wait for one answer; on request paths a fraction of what the caller may take. */
  readonly commandTimeoutMs: number;
  readonly log: Log;
  readonly clock?: Clock;
  prepare?(commands: RedisCommands): Promise<void>;
}

const connectTimeoutMs = 2_000;
/** A half-open connection looks like a silent server: after this long a new one is made. */
const socketSilenceMs = 5_000;
const reconnectBaseMs = 50;
const reconnectMaxMs = 2_000;
/** Soon enough for a person who has just corrected a setting and waits. */
const prepareAgainMs = 1_000;

export function openRedisLink(options: RedisLinkOptions): RedisLink {
  const closing = new AbortController();
  // While there is no usable URL, why.
  let unusable: Failure | undefined;
  let connection: Connection | undefined;
  connect();

  function connect(): void {
    if (closing.signal.aborted) return;
    try {
      connection = openConnection(options, { replace: connect, closing: closing.signal });
      unusable = undefined;
    } catch (error) {
      // The Secret is incomplete or wrong: whoever corrects it need not restart us.
      unusable = translate(error, 'Reading the Redis URL');
      options.log.warn({ err: unusable }, 'redis cannot be connected to');
      setTimeout(connect, reconnectMaxMs).unref();
    }
  }

  const ready = (attempted: string): RedisCommands => {
    if (unusable !== undefined) throw unusable;
    if (connection?.isReady() !== true) {
      throw transient('NotConnected', attempted, connection?.failure());
    }
    return connection.commands;
  };

  return {
    isReady: () => unusable === undefined && connection?.isReady() === true,
    failure: () => unusable ?? connection?.failure(),
    call: async (attempted, args) => await ready(attempted).call(attempted, args),
    script: async (attempted, script, use) => await ready(attempted).script(attempted, script, use),
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      connection?.redis.disconnect();
    },
  };
}

interface Connection {
  readonly redis: Redis;
  readonly commands: RedisCommands;
  isReady(): boolean;
  failure(): Failure | undefined;
}

interface Surroundings {
  /** Called once, when the URL has changed and this connection will not come back. */
  replace(): void;
  readonly closing: AbortSignal;
}

function openConnection(options: RedisLinkOptions, around: Surroundings): Connection {
  const { log } = options;
  const clock = options.clock ?? systemClock;
  const url = options.url();
  const redis = new Redis(redisUrl(url), {
    lazyConnect: true,
    connectTimeout: connectTimeoutMs,
    commandTimeout: options.commandTimeoutMs,
    socketTimeout: socketSilenceMs,
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    ...tlsFor(url, options.caBundle?.()),
    retryStrategy: (attempt) => {
      if (hasNewUrl(options, url)) {
        queueMicrotask(() => around.replace());
        return null;
      }
      const backoff = Math.min(reconnectBaseMs * 2 ** Math.min(attempt, 10), reconnectMaxMs);
      return backoff * (0.8 + 0.4 * Math.random());
    },
  });
  const commands = commandsOver(redis);
  let isPrepared = false;
  let failure: Failure | undefined = transient('NotConnected', 'Connecting to Redis');
  /** One a connection made; a preparation of an earlier one has no say in the present one. */
  let epoch = 0;

  const prepare = async (): Promise<void> => {
    epoch += 1;
    const mine = epoch;
    const isCurrent = (): boolean => epoch === mine && !around.closing.aborted;
    while (isCurrent()) {
      try {
        await options.prepare?.(commands);
        if (isCurrent() && redis.status === 'ready') {
          isPrepared = true;
          failure = undefined;
        }
        return;
      } catch (error) {
        if (!isCurrent()) return;
        failure = translate(error, 'Preparing a connection to Redis');
        log.debug({ err: failure }, 'redis connection is not prepared');
        await clock.sleep(prepareAgainMs, around.closing);
      }
    }
  };

  // Unheard, the event would end the process; the caller of a command gets its own error.
  redis.on('error', (error: unknown) => {
    failure = translate(error, 'Connecting to Redis');
    log.debug({ err: failure }, 'redis connection failed');
  });
  redis.on('close', () => {
    epoch += 1;
    if (isPrepared) failure = transient('NotConnected', 'Connecting to Redis');
    isPrepared = false;
  });
  redis.on('ready', () => {
    void prepare();
  });
  // A refused first connection is retried like a lost one.
  redis.connect().catch(() => undefined);
  return { redis, commands, isReady: () => isPrepared, failure: () => failure };
}

/** Commands of one turn leave in one write: cheaper for both sides than a packet each. */
function commandsOver(redis: Redis): RedisCommands {
  let isCorked = false;
  const cork = (): void => {
    if (isCorked) return;
    const { stream } = redis;
    isCorked = true;
    stream.cork();
    process.nextTick(() => {
      isCorked = false;
      stream.uncork();
    });
  };

  const call: RedisCommands['call'] = async (attempted, [name, ...args]) => {
    if (redis.status !== 'ready') throw transient('NotConnected', attempted);
    cork();
    try {
      const command = new Command(String(name), [...args], { replyEncoding: null });
      return await redis.sendCommand(command);
    } catch (error) {
      throw translate(error, attempted);
    }
  };

  return {
    call,
    script: async (attempted, script, { keys, args }) => {
      const rest = [keys.length, ...keys, ...args];
      try {
        return await call(attempted, ['EVALSHA', digestOf(script), ...rest]);
      } catch (error) {
        if (!isUnknownScript(error)) throw error;
        return await call(attempted, ['EVAL', script.lua, ...rest]);
      }
    },
  };
}

const digests = new WeakMap<RedisScript, string>();

function digestOf(script: RedisScript): string {
  const known = digests.get(script);
  if (known !== undefined) return known;
  const digest = createHash('sha1').update(script.lua).digest('hex');
  digests.set(script, digest);
  return digest;
}

function redisUrl(text: string): string {
  const url = URL.parse(text.trim());
  if (url === null || !/^rediss?:$/.test(url.protocol)) {
    throw transient('BadUrl', 'Reading the Redis URL');
  }
  return url.href;
}

/** A URL that cannot be read or used right now is no reason to give up the one at hand. */
function hasNewUrl(options: RedisLinkOptions, url: string): boolean {
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
