/**
 * The real servers of a test run, cut into private pieces so that test files run side by side and
 * leave nothing behind.
 *
 *   describe.skipIf(lacks('postgres'))('the ledger', () => {
 *     it('…', async () => {
 *       await using db = await database();
 */
import { randomBytes } from 'node:crypto';

import { Redis } from 'ioredis';
import { inject } from 'vitest';

import type { ProvidedBackends } from './provided.ts';

type BackendName = 'postgres' | 'redis' | 'rabbitmq' | 's3';

/** The reason why a suite cannot run here, or undefined when it can. */
export function lacks(...names: readonly BackendName[]): string | undefined {
  const backends = inject('backends');
  for (const name of names) {
    if (backends[name] === undefined) return backends.missing[name] ?? `${name} was not started`;
  }
  return undefined;
}

export function given<N extends BackendName>(name: N): NonNullable<ProvidedBackends[N]> {
  const backend = inject('backends')[name];
  if (backend === undefined)
    throw new Error(`this suite needs ${name}; guard it with lacks('${name}')`);
  return backend;
}

/** A name that no other test uses, valid for databases, queues and tables. */
export function privateName(stem: string): string {
  return `${stem}_${String(process.pid)}_${randomBytes(4).toString('hex')}`;
}

export function brokerUrl(): string {
  return given('rabbitmq').url;
}

export interface RedisPrefix extends AsyncDisposable {
  readonly url: string;
  readonly prefix: string;
}

/** Every key that starts with the prefix is deleted when the test is done. */
export function redisPrefix(): RedisPrefix {
  const { url } = given('redis');
  const prefix = `${privateName('test')}:`;
  return {
    url,
    prefix,
    async [Symbol.asyncDispose]() {
      const client = new Redis(url, { maxRetriesPerRequest: 1 });
      try {
        for await (const keys of client.scanStream({ match: `${prefix}*`, count: 1000 })) {
          const found = keys as readonly string[];
          if (found.length > 0) await client.unlink(...found);
        }
      } finally {
        client.disconnect();
      }
    },
  };
}
