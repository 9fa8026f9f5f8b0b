/**
 * Takes deliveries one at a time and says of each what becomes of it.
 *
 * `consume` runs until the signal aborts or the handler meets a Transient failure; then the consumer
 * is cancelled and the delivery goes back to the queue, never towards the dead letters. Verdicts on
 * deliveries of an older channel are dropped: acknowledging there is a protocol error, and the broker
 * has already given the message to somebody else. Prefetch is 1, so that a slow chunk holds no other.
 */
import type { Channel, ConsumeMessage } from 'amqplib';
import { transient, translate } from './failures.ts';
import type { AmqpLink } from './link.ts';

export interface Delivery {
  readonly body: Buffer;
  readonly contentType: string | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly redelivered: boolean;
}

export type Verdict = 'Ack' | 'DeadLetter';

export interface ConsumeOptions {
  readonly queue: string;
  readonly signal: AbortSignal;
  handle(delivery: Delivery): Promise<Verdict>;
}

/**
 * Resolves when the signal aborts, after the delivery in hand is finished. Rejects with the handler's
 * failure, or with a Transient when connection, channel or queue went away.
 */
export async function consume(link: AmqpLink, options: ConsumeOptions): Promise<void> {
  const session = await openConsumer(link, options);
  try {
    await session.ended;
  } finally {
    await session.close();
  }
}

interface ConsumerSession {
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

async function openConsumer(link: AmqpLink, options: ConsumeOptions): Promise<ConsumerSession> {
  const { queue, signal } = options;
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  ended.catch(() => undefined);
  let channel: Channel | undefined;
  let inHand: Promise<void> = Promise.resolve();
  const attempted = 'Consuming chunks';

  // One set-up, on the connection there is now: a later connection needs a new session, because the
  // caller must know that deliveries in hand were lost.
  const remove = await link.onConnection(async (connection) => {
    if (channel !== undefined) return;
    const opened = await connection.createChannel();
    channel = opened;
    opened.on('error', (error) => reject(translate(error, attempted)));
    opened.on('close', () => reject(transient('ConnectionLost', attempted)));
    await opened.prefetch(1);
    const onMessage = (message: ConsumeMessage | null): void => {
      if (message === null) {
        reject(transient('QueueMissing', attempted));
        return;
      }
      inHand = settleDelivery(opened, message, options).catch((error: unknown) => reject(error));
    };
    try {
      await opened.consume(queue, onMessage);
    } catch (error) {
      reject(translate(error, attempted));
    }
  });
  if (channel === undefined) {
    reject(link.state.ok ? transient('NotConnected', attempted) : link.state.failure);
  }
  const onAbort = (): void => void inHand.then(() => resolve());
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  return {
    ended,
    close: async () => {
      remove();
      signal.removeEventListener('abort', onAbort);
      // Closing the channel cancels the consumer and returns what is not yet settled.
      await closeQuietly(channel);
      await inHand;
    },
  };
}

async function settleDelivery(
  channel: Channel,
  message: ConsumeMessage,
  options: ConsumeOptions,
): Promise<void> {
  if (options.signal.aborted) return;
  const verdict = await options.handle({
    body: message.content,
    contentType: textOf(message.properties.contentType),
    headers: message.properties.headers ?? {},
    redelivered: message.fields.redelivered,
  });
  try {
    if (verdict === 'Ack') channel.ack(message);
    else channel.nack(message, false, false);
  } catch (error) {
    // The channel closed while the chunk was loaded. The work is in the ledger; the broker delivers
    // the message again and it is then found done.
    throw translate(error, 'Settling a delivery');
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

async function closeQuietly(channel: Channel | undefined): Promise<void> {
  try {
    await Promise.race([
      channel?.close(),
      new Promise<void>((resolve) => setTimeout(resolve, 1_000).unref()),
    ]);
  } catch {
    // Closed already: the broker returns the delivery by itself.
  }
}
