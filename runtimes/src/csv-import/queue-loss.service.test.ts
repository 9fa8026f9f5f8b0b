import { describe, expect, it } from 'vitest';
import { systemClock } from '@millrace/kit/clock';
import { createLog } from '@millrace/kit/log';
import { brokerUrl, lacks, privateName } from '../../test/backends.ts';
import { faultProxy } from '../../test/fault-proxy.ts';
import { importFlow, type ImportFlow } from '../../test/import-flow.ts';
import { until } from '../../test/until.ts';
import { setStopping } from '../chunks/imports.ts';
import { AmqpLink } from '../connectors/rabbitmq/link.ts';
import { transient } from '../connectors/rabbitmq/failures.ts';
import type { Publisher } from '../connectors/rabbitmq/publisher.ts';
import { declareQueue, removeQueues } from '../connectors/rabbitmq/queue.ts';
import { queueName } from './messages.ts';

const content = `id,value\n${Array.from({ length: 1_000 }, (_, n) => `k${n},value ${n}`).join('\n')}\n`;

/**
 * What a broker does that was killed right after it had declared the queue: it takes messages, and
 * neither confirms nor delivers them.
 */
function confirmingFrom(first: number): (real: Publisher) => Pick<Publisher, 'send'> {
  return (real) => ({
    send: async (message) => {
      // The first queue has no number in its name.
      const number = Number(/\.(\d+)$/.exec(message.queue)?.[1] ?? 1);
      if (number < first) throw transient('Silent', 'Publishing a chunk');
      await real.send(message);
    },
  });
}

async function isThere(flow: ImportFlow, queue: string): Promise<boolean> {
  return await flow.link
    .ask('looking', (channel) => channel.checkQueue(queue))
    .then(
      () => true,
      () => false,
    );
}

describe.skipIf(lacks('postgres', 'rabbitmq'))('an import whose queue cannot be used', () => {
  it('goes on in another queue, to which its workers follow, and leaves none of them', async () => {
    await using flow = await importFlow({ content, publisher: confirmingFrom(3) });
    const worker = flow.startWorker();

    const { coordinator, outcome } = await flow.startCoordinator();

    expect(await outcome).toBe('Complete');
    expect(coordinator.progress().totals).toMatchObject({ read: 1_000, loaded: 1_000 });
    const { rows } = await flow.db.query('SELECT queue FROM millrace.plans');
    expect(rows).toEqual([{ queue: 3 }]);
    for (const number of [1, 2, 3]) {
      await until(
        'the queue is gone',
        async () => !(await isThere(flow, queueName(flow.uid, number))),
      );
    }
    await worker.stop();
  }, 40_000);

  it('keeps the number of its queue over a restart of the coordinator', async () => {
    await using flow = await importFlow({ content, publisher: confirmingFrom(2) });
    const first = await flow.startCoordinator();
    await until('the second queue is there', () => isThere(flow, queueName(flow.uid, 2)));
    await first.stop();

    const second = await flow.startCoordinator();
    flow.startWorker();

    expect(await second.outcome).toBe('Complete');
    const { rows } = await flow.db.query('SELECT queue FROM millrace.plans');
    expect(rows).toEqual([{ queue: 2 }]);
  }, 40_000);

  it('removes the queue that a coordinator left when it died right after Complete', async () => {
    await using flow = await importFlow({ content });
    await flow.run();
    await declareQueue(flow.link, flow.queue);

    const again = await flow.startCoordinator();

    expect(await again.outcome).toBe('Complete');
    expect(await isThere(flow, flow.queue)).toBe(false);
  });
  it('removes the queue that a coordinator left when it died right after the failure', async () => {
    await using flow = await importFlow({ content });
    await flow.run();
    await flow.db.query(`UPDATE millrace.imports SET state = 'Failed', reason = 'SourceChanged'`);
    await declareQueue(flow.link, flow.queue);

    const again = await flow.startCoordinator();

    expect(await again.outcome).toBe('Failed');
    expect(await isThere(flow, flow.queue)).toBe(false);
  });
});

describe.skipIf(lacks('postgres', 'rabbitmq'))('a coordinator that died before its verdict', () => {
  it('leaves no import behind whose workers may claim nothing', async () => {
    await using flow = await importFlow({ content });
    const first = await flow.startCoordinator();
    await until('chunks are cut', () => first.coordinator.progress().chunks.complete);
    await first.stop();
    await setStopping(flow.db, flow.uid, true);

    const { outcome } = await flow.run();

    expect(await outcome).toBe('Complete');
  });
});

describe.skipIf(lacks('rabbitmq'))('removing queues', () => {
  const log = createLog({ level: 'silent', bindings: {}, fd: 2 });

  it('waits for a broker that restarts', async () => {
    await using proxy = await faultProxy(brokerUrl());
    await using link = new AmqpLink({
      url: () => proxy.url,
      name: 'test',
      clock: systemClock,
      log,
    });
    const queue = privateName('removed');
    await until('the link is connected', () => link.state.ok);
    await declareQueue(link, queue);
    proxy.set('stopped');
    await until('the link is down', () => !link.state.ok);

    const removed = removeQueues(link, [queue], { clock: systemClock, patienceMs: 20_000 });
    proxy.set('passing');

    await removed;
    await expect(link.ask('looking', (channel) => channel.checkQueue(queue))).rejects.toMatchObject(
      {
        code: 'QueueMissing',
      },
    );
  });

  it('gives up when its patience ends', async () => {
    await using proxy = await faultProxy(brokerUrl());
    proxy.set('stopped');
    await using link = new AmqpLink({
      url: () => proxy.url,
      name: 'test',
      clock: systemClock,
      log,
    });

    const removed = removeQueues(link, ['any'], { clock: systemClock, patienceMs: 0 });

    await expect(removed).rejects.toMatchObject({ family: 'Transient', backend: 'rabbitmq' });
  });
});
