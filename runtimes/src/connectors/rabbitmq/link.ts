/**
 * One connection to RabbitMQ that comes back by itself.
 *
 * States: connecting → connected → lost → connecting …, until closed. Each connection runs the same
 * set-up functions (consumers, publisher channels), because nothing made on an older connection
 * survives it. The URL is read at each attempt, so a rotated Secret needs no restart. A connection
 * that stays silent for two heartbeats is lost. The link holds no messages: what was not confirmed is
 * published again from the ledger by whoever owns the work.
 */
import { connect, type Channel, type ChannelModel } from 'amqplib';
import type { Clock } from '@millrace/kit/clock';
import type { Failure } from '@millrace/kit/failure';
import type { Log } from '@millrace/kit/log';
import { backoffMs } from '@millrace/kit/retry';
import { transient, translate } from './failures.ts';

/** Two missed beats end a connection, so a frozen broker is noticed within 20 s. */
const heartbeatSeconds = 10;
const connectTimeoutMs = 5_000;
/** Answers take milliseconds; this bounds a broker that froze between two heartbeats. */
const replyTimeoutMs = 10_000;
/** Characters of the broker's own words, such as `low on disk`. */
const reasonMax = 128;
const reconnect = { baseMs: 200, maxMs: 5_000 } as const;

export interface LinkOptions {
  url(): string;
  caBundle?(): string | undefined;
  /** Shown in the broker's list of connections. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
}

export type LinkState =
  | { readonly ok: true }
  | { readonly ok: false; readonly failure: Failure; readonly sinceMs: number };

/** Made anew on each connection; a failure in it ends that connection. */
export type Setup = (connection: ChannelModel) => Promise<void>;

export class AmqpLink implements AsyncDisposable {
  readonly #options: LinkOptions;
  readonly #stop = new AbortController();
  readonly #setups = new Set<Setup>();
  readonly #done: Promise<void>;
  #connection: ChannelModel | undefined;
  #state: LinkState;
  #blocked: LinkState | undefined;
  #renewal = new AbortController();

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#state = this.#down(transient('NotConnected', 'Connecting to RabbitMQ'));
    this.#done = this.#run();
  }

  /** Also not ok while the broker holds back publishers: consumers go on, and who announces work waits. */
  get state(): LinkState {
    return this.#blocked ?? this.#state;
  }

  /** Runs now, if connected, and on every later connection; the result removes it. */
  async onConnection(setup: Setup): Promise<() => void> {
    this.#setups.add(setup);
    if (this.#connection !== undefined) await this.#guard(setup, this.#connection);
    return () => this.#setups.delete(setup);
  }

  /** A short exchange on a channel of its own, since an error reply closes the channel. */
  async ask<T>(attempted: string, work: (channel: Channel) => Promise<T>): Promise<T> {
    const connection = this.#connection;
    if (connection === undefined) {
      throw this.#state.ok ? transient('NotConnected', attempted) : this.#state.failure;
    }
    let channel: Channel | undefined;
    try {
      return await this.#answered(attempted, async () => {
        channel = await connection.createChannel();
        // An error reply rejects the call that caused it; unheard, the event would end the process.
        channel.on('error', () => undefined);
        return await work(channel);
      });
    } catch (error) {
      throw translate(error, attempted);
    } finally {
      channel?.close().catch(() => undefined);
    }
  }

  /** Ends the connection for a new one, and with it channels that wait for what never answers. */
  renew(): void {
    this.#renewal.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        await this.#connectOnce(() => {
          attempt = 0;
        });
      } catch (error) {
        this.#state = this.#down(translate(error, 'Connecting to RabbitMQ'));
      }
      if (!signal.aborted) {
        await this.#options.clock.sleep(backoffMs(attempt + 1, reconnect), signal);
      }
    }
  }

  /** Connects, runs the set-ups and resolves when the connection has ended. */
  async #connectOnce(onConnected: () => void): Promise<void> {
    const connection = await openConnection(this.#options);
    // Attached before anything else can fail: `error` without a listener ends the process.
    const ended = new Promise<unknown>((resolve) => {
      connection.once('error', resolve);
      connection.once('close', resolve);
    });
    connection.on('error', () => undefined);
    connection.on('blocked', (why: unknown) => {
      this.#blocked = this.#down(transient('Blocked', 'Publishing to RabbitMQ'));
      const said = typeof why === 'string' ? why.slice(0, reasonMax) : '';
      this.#options.log.warn({ why: said }, 'rabbitmq takes no messages');
    });
    connection.on('unblocked', () => {
      this.#blocked = undefined;
      this.#options.log.info({}, 'rabbitmq takes messages again');
    });
    this.#renewal = new AbortController();
    const either = AbortSignal.any([this.#stop.signal, this.#renewal.signal]);
    const stopped = new Promise<void>((resolve) => {
      if (either.aborted) resolve();
      either.addEventListener('abort', () => resolve(), { once: true });
    });
    this.#connection = connection;
    this.#state = { ok: true };
    onConnected();
    for (const setup of this.#setups) await this.#guard(setup, connection);
    const cause = await Promise.race([ended, stopped]);
    this.#connection = undefined;
    this.#blocked = undefined;
    this.#state = this.#down(
      cause instanceof Error
        ? translate(cause, 'Holding a connection to RabbitMQ')
        : transient('ConnectionLost', 'Holding a connection to RabbitMQ'),
    );
    await closeQuietly(connection, this.#options.clock);
  }

  async #guard(setup: Setup, connection: ChannelModel): Promise<void> {
    try {
      await this.#answered('Preparing a RabbitMQ connection', () => setup(connection));
    } catch (error) {
      this.#options.log.debug({ err: error }, 'rabbitmq connection set-up failed');
    }
  }

  async #answered<T>(attempted: string, work: () => Promise<T>): Promise<T> {
    const timer = new AbortController();
    const late = this.#options.clock.sleep(replyTimeoutMs, timer.signal).then(() => {
      throw transient('Silent', attempted);
    });
    late.catch(() => undefined);
    try {
      return await Promise.race([work(), late]);
    } finally {
      timer.abort();
    }
  }

  #down(failure: Failure): LinkState {
    const since = this.#state?.ok === false ? this.#state.sinceMs : this.#options.clock.now();
    return { ok: false, failure, sinceMs: since };
  }
}

async function openConnection(options: LinkOptions): Promise<ChannelModel> {
  const url = URL.parse(options.url().trim());
  if (url === null || !/^amqps?:$/.test(url.protocol)) {
    throw transient('BadUrl', 'Reading the RabbitMQ URL');
  }
  url.searchParams.set('heartbeat', String(heartbeatSeconds));
  const ca = options.caBundle?.();
  return await connect(url.href, {
    timeout: connectTimeoutMs,
    noDelay: true,
    keepAlive: true,
    servername: url.hostname,
    ...(ca === undefined ? {} : { ca: [ca] }),
    clientProperties: { connection_name: options.name },
  });
}

/** A frozen broker never answers a close; after a second the socket is left to its heartbeat. */
async function closeQuietly(connection: ChannelModel, clock: Clock): Promise<void> {
  const timer = new AbortController();
  await Promise.race([
    Promise.resolve()
      .then(() => connection.close())
      .catch(() => undefined),
    clock.sleep(1_000, timer.signal),
  ]);
  timer.abort();
}
