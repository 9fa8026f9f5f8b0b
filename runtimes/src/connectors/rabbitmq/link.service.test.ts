import { describe, expect, it } from 'vitest';
import { systemClock } from '@millrace/kit/clock';
import { createLog } from '@millrace/kit/log';
import { Transient } from '@millrace/kit/transient';
import { brokerUrl, lacks, privateName } from '../../../test/backends.ts';
import { faultProxy } from '../../../test/fault-proxy.ts';
import { until } from '../../../test/until.ts';
import { consume } from './consumer.ts';
import { AmqpLink } from './link.ts';
import { Publisher } from './publisher.ts';
import { deadLetterName, declareQueue, readyCount, removeQueue } from './queue.ts';

const log = createLog({ level: 'silent', bindings: {}, fd: 2 });

function open(url: () => string = brokerUrl): AmqpLink {
  return new AmqpLink({ url, name: 'test', clock: systemClock, log });
}

/** A frame of AMQP 0-9-1 with a method of the class connection: 60 is blocked, 61 unblocked. */
function connectionMethod(method: number, reason?: string): Buffer {
  const text = reason === undefined ? [] : [reason.length, ...Buffer.from(reason)];
  const payload = [0, 10, 0, method, ...text];
  return Buffer.from([1, 0, 0, 0, 0, 0, payload.length, ...payload, 0xce]);
}

interface TestQueue extends AsyncDisposable {
  readonly name: string;
  readonly link: AmqpLink;
  send(text: string): Promise<void>;
}

async function queue(): Promise<TestQueue> {
  const link = open();
  const name = privateName('queue');
  await until('the link is connected', () => link.state.ok);
  await declareQueue(link, name);
  const publisher = await Publisher.open(link);
  return {
    name,
    link,
    send: (text) =>
      publisher.send({ queue: name, contentType: 'text/plain', body: Buffer.from(text) }),
    [Symbol.asyncDispose]: async () => {
      await link.ask('cleaning', async (channel) => {
        await channel.deleteQueue(name);
        await channel.deleteQueue(deadLetterName(name));
      });
      await link[Symbol.asyncDispose]();
    },
  };
}

describe.skipIf(lacks('rabbitmq'))('publishing', () => {
  it('confirms thousands with a bound on what is in flight', async () => {
    await using it = await queue();

    await Promise.all(Array.from({ length: 2_000 }, (_, n) => it.send(String(n))));

    await until('all are ready', async () => (await readyCount(it.link, it.name)) === 2_000);
  });

  it('fails for a queue that does not exist, although the broker confirms', async () => {
    await using link = open();
    await until('the link is connected', () => link.state.ok);
    const publisher = await Publisher.open(link);

    const sent = publisher.send({
      queue: privateName('nowhere'),
      contentType: 'text/plain',
      body: Buffer.from('lost'),
    });

    await expect(sent).rejects.toMatchObject({ family: 'Transient', code: 'QueueMissing' });
  });

  it('goes on in a new connection after a renewal', async () => {
    await using it = await queue();
    await using link = open();
    const publisher = await Publisher.open(link);
    await until('the link is connected', () => link.state.ok);

    link.renew();
    await until('the old connection is given up', () => !link.state.ok);
    await until('there is another', () => link.state.ok);
    const send = (): Promise<void> =>
      publisher.send({ queue: it.name, contentType: 'text/plain', body: Buffer.from('x') });
    await until('a message is taken', () =>
      send().then(
        () => true,
        () => false,
      ),
    );

    expect(await readyCount(it.link, it.name)).toBe(1);
  });

  it('is known to be in vain while the broker has an alarm', async () => {
    await using proxy = await faultProxy(brokerUrl());
    await using link = open(() => proxy.url);
    await until('the link is connected', () => link.state.ok);

    proxy.say(connectionMethod(60, 'low on disk'));
    await until('the alarm is heard', () => !link.state.ok);
    expect(link.state).toMatchObject({ failure: { code: 'Blocked', family: 'Transient' } });
    proxy.say(connectionMethod(61));
    await until('its end is heard', () => link.state.ok);
  });

  it('fails at once without a connection, and works on the next one', async () => {
    await using proxy = await faultProxy(brokerUrl());
    await using it = await queue();
    await using link = open(() => proxy.url);
    const publisher = await Publisher.open(link);
    const send = (): Promise<void> =>
      publisher.send({ queue: it.name, contentType: 'text/plain', body: Buffer.from('x') });
    await until('the link is connected', () => link.state.ok);
    await until(
      'sending works',
      async () =>
        await send().then(
          () => true,
          () => false,
        ),
    );

    proxy.set('stopped');
    await until('the loss is seen', () => !link.state.ok);
    await expect(send()).rejects.toMatchObject({ family: 'Transient' });
    proxy.set('passing');

    await until(
      'sending works again',
      async () =>
        await send().then(
          () => true,
          () => false,
        ),
    );
  });
});

describe.skipIf(lacks('rabbitmq'))('consuming', () => {
  it('takes one delivery at a time and finishes it before it stops', async () => {
    await using it = await queue();
    for (const text of ['a', 'b', 'c']) await it.send(text);
    const stop = new AbortController();
    const handled: string[] = [];
    let inHand = 0;
    let mostInHand = 0;

    await consume(it.link, {
      queue: it.name,
      signal: stop.signal,
      handle: async (delivery) => {
        inHand += 1;
        mostInHand = Math.max(mostInHand, inHand);
        await systemClock.sleep(5);
        handled.push(delivery.body.toString());
        if (handled.length === 2) stop.abort();
        inHand -= 1;
        return 'Ack';
      },
    });

    expect(handled).toEqual(['a', 'b']);
    expect(mostInHand).toBe(1);
    await until('the third is back', async () => (await readyCount(it.link, it.name)) === 1);
  });

  it('returns the delivery when its handler meets a Transient failure', async () => {
    await using it = await queue();
    await it.send('good work');
    const failure = new Transient('Silent', 'The database does not answer.');

    const consuming = consume(it.link, {
      queue: it.name,
      signal: new AbortController().signal,
      handle: () => Promise.reject(failure),
    });

    await expect(consuming).rejects.toBe(failure);
    await until('it is back', async () => (await readyCount(it.link, it.name)) === 1);
    expect(await readyCount(it.link, deadLetterName(it.name))).toBe(0);
  });

  it('sends a refused message to the dead letters', async () => {
    await using it = await queue();
    await it.send('garbage');
    const stop = new AbortController();

    await consume(it.link, {
      queue: it.name,
      signal: stop.signal,
      handle: () => {
        stop.abort();
        return Promise.resolve('DeadLetter');
      },
    });

    await until(
      'it is dead',
      async () => (await readyCount(it.link, deadLetterName(it.name))) === 1,
    );
  });

  it('ends as Transient when its queue is deleted, is missing, or the connection is cut', async () => {
    await using proxy = await faultProxy(brokerUrl());
    await using cut = open(() => proxy.url);
    await using it = await queue();
    await until('the link is connected', () => cut.state.ok);
    const { signal } = new AbortController();
    const handle = (): Promise<'Ack'> => Promise.resolve('Ack');
    const start = (link: AmqpLink, name: string): Promise<unknown> =>
      consume(link, { queue: name, signal, handle }).catch((error: unknown) => error);
    const consumers = (): Promise<number> =>
      it.link.ask('looking', async (channel) => (await channel.checkQueue(it.name)).consumerCount);

    const overCut = start(cut, it.name);
    await until('it consumes', async () => (await consumers()) === 1);
    proxy.set('stopped');
    const deleted = start(it.link, it.name);
    await until('it consumes', async () => (await consumers()) >= 1);
    await it.link.ask('deleting', (channel) => channel.deleteQueue(it.name));

    expect(await overCut).toMatchObject({ family: 'Transient' });
    expect(await deleted).toMatchObject({ family: 'Transient' });
    expect(await start(it.link, 'nowhere')).toMatchObject({ code: 'QueueMissing' });
  });
});

describe.skipIf(lacks('rabbitmq'))('a link', () => {
  it('says why there is no connection, and since when', async () => {
    await using refused = open(() => 'amqp://127.0.0.1:1/');
    await using denied = open(() => {
      const url = new URL(brokerUrl());
      url.password = 'wrong';
      return url.href;
    });
    await using garbled = open(() => 'not a url');
    const code = (link: AmqpLink): string => (link.state.ok ? 'ok' : link.state.failure.code);

    await until('all have tried', () =>
      [refused, denied, garbled].every((link) => !['ok', 'NotConnected'].includes(code(link))),
    );

    expect([refused, denied, garbled].map(code)).toEqual([
      'ConnectionRefused',
      'AuthenticationFailed',
      'BadUrl',
    ]);
    expect(denied.state).not.toMatchObject({
      failure: { message: expect.stringMatching(/wrong/) },
    });
  });

  it('removes a queue, and keeps dead letters that somebody should see', async () => {
    await using it = await queue();
    await removeQueue(it.link, it.name);

    await expect(readyCount(it.link, it.name)).rejects.toMatchObject({ code: 'QueueMissing' });
    await expect(readyCount(it.link, deadLetterName(it.name))).rejects.toMatchObject({
      code: 'QueueMissing',
    });
  });
});
