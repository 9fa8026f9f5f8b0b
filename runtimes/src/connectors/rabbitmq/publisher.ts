/**
 * Confirmed publishing with a bound on what is in flight.
 *
 * A message counts as sent only when the broker confirmed it and did not return it: an unroutable
 * message is confirmed too, after its return. Nothing is kept across connections; a send that was
 * not confirmed rejects as Transient and the ledger has the message published again, so duplicates
 * are possible and harmless.
 */
import type { ChannelModel, ConfirmChannel, Options } from 'amqplib';
import { transient, translate } from './failures.ts';
import type { AmqpLink } from './link.ts';

/** Bounds memory and keeps confirms flowing; more than this gained nothing on a quorum queue. */
const inFlightMax = 256;
/**
 * A quorum queue confirms in milliseconds. One that a killed broker came back with may never: too
 * short a limit costs duplicates, too long a one holds up the import.
 */
const confirmTimeoutMs = 5_000;

export interface OutgoingMessage {
  readonly queue: string;
  readonly contentType: string;
  readonly body: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Pending {
  resolve(): void;
  reject(error: unknown): void;
}

const attempted = 'Publishing a chunk';

export class Publisher {
  readonly #link: AmqpLink;
  readonly #pending = new Map<string, Pending>();
  readonly #waiting: (() => void)[] = [];
  #channel: ConfirmChannel | undefined;
  #sent = 0;

  private constructor(link: AmqpLink) {
    this.#link = link;
  }

  /** Opens a confirming channel now and on every later connection of the link. */
  static async open(link: AmqpLink): Promise<Publisher> {
    const publisher = new Publisher(link);
    await link.onConnection((connection) => publisher.#openChannel(connection));
    return publisher;
  }

  /** Resolves when the broker has the message; waits while too many are in flight. */
  async send(message: OutgoingMessage): Promise<void> {
    while (this.#pending.size >= inFlightMax) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    const { state } = this.#link;
    if (!state.ok) throw state.failure;
    const channel = this.#channel;
    if (channel === undefined) throw transient('NotConnected', attempted);
    // A number of its own for each send: the same chunk may be in flight twice after a republish.
    this.#sent += 1;
    const id = String(this.#sent);
    const settled = this.#expect(id);
    try {
      channel.sendToQueue(message.queue, message.body, sendOptions(message, id), (error: unknown) =>
        this.#settle(id, error === null ? undefined : transient('NotConfirmed', attempted, error)),
      );
    } catch (error) {
      this.#settle(id, translate(error, attempted));
    }
    await settled;
  }

  async #openChannel(connection: ChannelModel): Promise<void> {
    const channel = await connection.createConfirmChannel();
    channel.on('error', () => undefined);
    channel.on('return', (message) => {
      const id: unknown = message.properties.messageId;
      this.#settle(String(id), transient('QueueMissing', attempted));
    });
    channel.on('close', () => {
      if (this.#channel !== channel) return;
      this.#channel = undefined;
      for (const id of this.#pending.keys()) {
        this.#settle(id, transient('ConnectionLost', attempted));
      }
    });
    this.#channel = channel;
  }

  #expect(id: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(
      () => this.#settle(id, transient('Silent', attempted)),
      confirmTimeoutMs,
    );
    this.#pending.set(id, {
      resolve: () => {
        clearTimeout(timer);
        resolve();
      },
      reject: (error) => {
        clearTimeout(timer);
        reject(error);
      },
    });
    return promise;
  }

  #settle(id: string, error?: unknown): void {
    const entry = this.#pending.get(id);
    if (entry === undefined) return;
    this.#pending.delete(id);
    if (error === undefined) entry.resolve();
    else entry.reject(error);
    this.#waiting.shift()?.();
  }
}

function sendOptions(message: OutgoingMessage, id: string): Options.Publish {
  return {
    persistent: true,
    mandatory: true,
    messageId: id,
    contentType: message.contentType,
    headers: message.headers ?? {},
  };
}
