/**
 * Redis as the mechanisms see it: a few string commands over one connection that fail fast.
 *
 * Guarantees: no command waits longer than its limit, is queued while there is no connection, or is
 * sent twice; every error leaves as one of our failures (see failures.ts); reconnecting goes on for
 * ever with back-off, and reads the URL again each time, so that a rotated Secret needs no restart.
 * It does not retry: loops that own a unit of work do.
 */
import { systemClock } from '@millrace/kit/clock';
import { createCircuit } from './circuit.ts';
import { transient, translate } from './failures.ts';
import {
  openRedisLink,
  type RedisArgument,
  type RedisCommands,
  type RedisLinkOptions,
  type RedisScript,
} from './link.ts';

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
  /** A script whose keys share a slot; see the link for what a failure of it says. */
  script(
    attempted: string,
    script: RedisScript,
    use: { readonly keys: readonly string[]; readonly args: readonly RedisArgument[] },
  ): Promise<unknown>;
  /** Bits that are set in the string of that key; 0 without one. */
  countBits(key: string): Promise<number>;
  ping(): Promise<void>;
}

export type RedisOptions = Omit<RedisLinkOptions, 'prepare'>;

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
  let serverRun: string | undefined;
  const link = openRedisLink({
    ...options,
    prepare: async (commands) => {
      serverRun = await readServerRun(commands);
    },
  });

  const guarded = async (attempted: string, ask: () => Promise<unknown>): Promise<unknown> => {
    if (link.isReady() && !circuit.allows()) throw transient('Silent', attempted);
    try {
      const result = await ask();
      circuit.succeeded();
      return result;
    } catch (error) {
      if (link.isReady()) circuit.failed();
      throw error;
    }
  };
  const call = (attempted: string, args: readonly (string | number)[]): Promise<unknown> =>
    guarded(attempted, () => link.call(attempted, args));
  const get = async (attempted: string, key: string): Promise<string | undefined> =>
    text(await call(attempted, ['GET', key]));

  return {
    serverRun: () => (link.isReady() ? serverRun : undefined),
    get: (key) => get('Reading from Redis', key),
    set: async (key, value, { ttlMs } = {}) => {
      const lifetime = ttlMs === undefined ? [] : ['PX', ttlMs];
      await call('Writing to Redis', ['SET', key, value, ...lifetime]);
    },
    setIfAbsent: async (key, value) => {
      await call('Writing to Redis', ['SET', key, value, 'NX']);
      return (await get('Writing to Redis', key)) ?? value;
    },
    script: (attempted, script, use) =>
      guarded(attempted, () => link.script(attempted, script, use)),
    countBits: async (key) => Number(await call('Reading from Redis', ['BITCOUNT', key])),
    ping: async () => {
      await call('Asking Redis', ['PING']);
    },
    [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
  };
}

function text(reply: unknown): string | undefined {
  return Buffer.isBuffer(reply) ? reply.toString() : undefined;
}

/** Servers that keep INFO from us all look alike: restarts are then not told apart, lifetimes still bound what is stale. */
const unknownRun = 'unknown';

async function readServerRun(commands: RedisCommands): Promise<string> {
  try {
    const info = text(await commands.call('Asking Redis', ['INFO', 'server'])) ?? '';
    return /^run_id:(\w+)/m.exec(info)?.[1] ?? unknownRun;
  } catch (error) {
    if (translate(error, 'Asking Redis').code === 'PermissionDenied') return unknownRun;
    throw error;
  }
}
