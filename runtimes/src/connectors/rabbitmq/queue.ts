/**
 * The topology of one unit of work: a quorum queue and its dead letters, declared by one place only.
 *
 * Both expire by themselves, so that nothing stays behind when everybody dies. The delivery limit is
 * a storm guard: returned deliveries count towards it and prove nothing about the message, so it is
 * high, and what it removes is published again from the ledger.
 */
import type { Clock } from '@millrace/kit/clock';
import { Transient } from '@millrace/kit/transient';
import type { AmqpLink } from './link.ts';

/** A day without coordinator and workers: whoever comes back declares it again. */
const expiresMs = 86_400_000;
/** A week to look at dead letters. */
const deadExpiresMs = 604_800_000;
const deadMessagesMax = 10_000;
/** Far above what outages produce (one return an outage and worker). */
const deliveryLimit = 100_000;

export function deadLetterName(queue: string): string {
  return `${queue}.dead`;
}

export async function declareQueue(link: AmqpLink, queue: string): Promise<void> {
  await link.ask('Declaring the chunk queue', async (channel) => {
    await channel.assertQueue(deadLetterName(queue), {
      durable: true,
      arguments: {
        'x-queue-type': 'quorum',
        'x-expires': deadExpiresMs,
        'x-max-length': deadMessagesMax,
        'x-overflow': 'drop-head',
      },
    });
    await channel.assertQueue(queue, {
      durable: true,
      arguments: {
        'x-queue-type': 'quorum',
        'x-expires': expiresMs,
        'x-delivery-limit': deliveryLimit,
        'x-dead-letter-exchange': '',
        'x-dead-letter-routing-key': deadLetterName(queue),
      },
    });
  });
}

/** Messages that wait for a consumer; deliveries in hand are not counted. */
export async function readyCount(link: AmqpLink, queue: string): Promise<number> {
  return await link.ask('Counting waiting chunks', async (channel) => {
    const { messageCount } = await channel.checkQueue(queue);
    return messageCount;
  });
}

const retryMs = 500;

export interface Patience {
  readonly clock: Clock;
  readonly patienceMs: number;
}

/** Removes them all, with patience for a broker that is away. Throws what kept one from going. */
export async function removeQueues(
  link: AmqpLink,
  queues: readonly string[],
  { clock, patienceMs }: Patience,
): Promise<void> {
  const endMs = clock.monotonic() + patienceMs;
  for (const queue of queues) {
    while (!(await isRemoved(link, queue, () => clock.monotonic() < endMs))) {
      await clock.sleep(retryMs);
    }
  }
}

async function isRemoved(link: AmqpLink, queue: string, mayWait: () => boolean): Promise<boolean> {
  try {
    await removeQueue(link, queue);
    return true;
  } catch (error) {
    if (error instanceof Transient && mayWait()) return false;
    throw error;
  }
}

/** Removes the queue, and its dead letters unless there are some to look at. */
export async function removeQueue(link: AmqpLink, queue: string): Promise<void> {
  await link.ask('Removing the chunk queue', async (channel) => {
    await channel.deleteQueue(queue);
    const dead = await channel.assertQueue(deadLetterName(queue), {
      durable: true,
      arguments: {
        'x-queue-type': 'quorum',
        'x-expires': deadExpiresMs,
        'x-max-length': deadMessagesMax,
        'x-overflow': 'drop-head',
      },
    });
    if (dead.messageCount === 0) await channel.deleteQueue(deadLetterName(queue));
  });
}
