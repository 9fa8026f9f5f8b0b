import { Redis } from 'ioredis';
import { Client } from 'pg';
import { describe, expect, it } from 'vitest';

import { connect } from 'amqplib';

import { brokerUrl, lacks, privateName, redisPrefix } from './backends.ts';
import { database } from './database.ts';

async function rows(url: string, sql: string): Promise<readonly unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

describe.skipIf(lacks('postgres'))('a private database', () => {
  it('lets the owner create tables and the working role only what it was granted', async () => {
    await using db = await database();

    await rows(db.ownerUrl, 'CREATE TABLE kept (id int)');
    const refused = rows(db.appUrl, 'SELECT * FROM kept');

    await expect(refused).rejects.toThrow(/permission denied/);
    await expect(rows(db.appUrl, 'CREATE TABLE mine (id int)')).rejects.toThrow(
      /permission denied/,
    );
    await rows(db.ownerUrl, 'GRANT SELECT ON kept TO PUBLIC');
    expect(await rows(db.appUrl, 'SELECT * FROM kept')).toEqual([]);
  });

  it('is cloned from a template that is built once', async () => {
    let buildCount = 0;
    const template = {
      key: privateName('clone'),
      build: async (ownerUrl: string): Promise<void> => {
        buildCount += 1;
        await rows(ownerUrl, 'CREATE TABLE built AS SELECT 7 AS answer');
      },
    };

    await using first = await database({ template });
    await using second = await database({ template });

    expect(await rows(first.ownerUrl, 'SELECT answer FROM built')).toEqual([{ answer: 7 }]);
    expect(await rows(second.ownerUrl, 'SELECT answer FROM built')).toEqual([{ answer: 7 }]);
    expect(buildCount).toBe(1);
  });

  it('fails when a connection is left open, and names it', async () => {
    const db = await database({ closeGraceMs: 100 });
    const leak = new Client({ connectionString: db.appUrl, application_name: 'forgotten' });
    await leak.connect();

    await expect(db[Symbol.asyncDispose]()).rejects.toThrow(/still has connections: .*forgotten/);

    await leak.end();
    await db[Symbol.asyncDispose]();
    await expect(rows(db.ownerUrl, 'SELECT 1')).rejects.toThrow(/does not exist/);
  });
});

describe.skipIf(lacks('redis'))('a private key prefix', () => {
  it('leaves no key behind and touches no other', async () => {
    await using other = redisPrefix();
    const client = new Redis(other.url);
    const keys = redisPrefix();
    await client.mset(`${keys.prefix}a`, '1', `${keys.prefix}b`, '2', `${other.prefix}a`, '3');

    await keys[Symbol.asyncDispose]();

    expect(await client.mget(`${keys.prefix}a`, `${keys.prefix}b`)).toEqual([null, null]);
    expect(await client.get(`${other.prefix}a`)).toBe('3');
    client.disconnect();
  });
});

describe.skipIf(lacks('rabbitmq'))('the broker', () => {
  it('serves quorum queues', async () => {
    const connection = await connect(brokerUrl());
    const channel = await connection.createConfirmChannel();
    const queue = privateName('quorum');
    await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } });

    channel.sendToQueue(queue, Buffer.from('descriptor'));
    await channel.waitForConfirms();

    const message = await channel.get(queue, { noAck: true });
    expect(message === false ? undefined : message.content.toString()).toBe('descriptor');
    await channel.deleteQueue(queue);
    await connection.close();
  });
});
