/** What the servers are, and how long a flush to their disk takes: the floor of every answer. */
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { quantile } from '../statistics.ts';
import type { Bench } from './bench.ts';

const postgresSettings =
  "'fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers', 'max_wal_size'";
/** What a group of a hundred increments adds to the append-only file, about. */
const flushBytes = 4_096;
const flushes = 400;

export async function serverLines(bench: Bench): Promise<readonly string[]> {
  const { rows } = await bench.owner.query<{ version: string; settings: string }>(
    `SELECT current_setting('server_version') AS version,
       (SELECT string_agg(name || '=' || current_setting(name), ', ' ORDER BY name)
        FROM pg_settings WHERE name IN (${postgresSettings})) AS settings`,
  );
  await using redis = connectRedis(bench);
  const version = /redis_version:(\S+)/.exec(await redis.client.info('server'))?.[1] ?? '';
  return [
    `- Postgres ${rows[0]?.version ?? ''} (${rows[0]?.settings ?? ''})`,
    `- Redis ${version} (${await redisSettings(redis.client)})`,
  ];
}

async function redisSettings(client: Redis): Promise<string> {
  const names = ['appendonly', 'appendfsync', 'no-appendfsync-on-rewrite', 'maxmemory-policy'];
  const texts = await Promise.all(
    names.map(async (name) => ((await client.config('GET', name)) as string[]).join('=')),
  );
  return texts.join(', ');
}

export function connectRedis({ redis }: Bench): AsyncDisposable & { readonly client: Redis } {
  const client = new Redis(redis.url, { maxRetriesPerRequest: 1 });
  client.on('error', () => undefined);
  return {
    client,
    [Symbol.asyncDispose]: async () => {
      client.disconnect();
    },
  };
}

/** Of fdatasync after each write of a group's size, beside the files of Redis; ascending, in ms. */
export async function diskFlushesMs({ folder }: Bench): Promise<Float64Array> {
  const path = join(folder, 'flushes');
  const file = await open(path, 'w');
  const bytes = Buffer.alloc(flushBytes, 1);
  const took = new Float64Array(flushes);
  try {
    for (let index = 0; index < flushes; index += 1) {
      await file.write(bytes);
      const startMs = performance.now();
      await file.datasync();
      took[index] = performance.now() - startMs;
    }
  } finally {
    await file.close();
    await rm(path);
  }
  return took.sort();
}

/** Round trips of commands, one after the other; ascending, in ms. */
export async function roundTripsMs(
  many: number,
  call: () => Promise<unknown>,
): Promise<Float64Array> {
  const took = new Float64Array(many);
  for (let index = 0; index < many; index += 1) {
    const startMs = performance.now();
    await call();
    took[index] = performance.now() - startMs;
  }
  return took.sort();
}

/** What Redis adds to an answer when nothing else is to do, and what of it is the flush. */
export async function redisFloor(bench: Bench): Promise<string> {
  await using redis = connectRedis(bench);
  const { client } = redis;
  const disk = await diskFlushesMs(bench);
  const ping = await roundTripsMs(flushes, () => client.ping());
  const add = await roundTripsMs(flushes, () =>
    client.xadd('bench:floor', '*', '1', 'x'.repeat(240)),
  );
  await client.unlink('bench:floor');
  const texts = [
    `fdatasync of 4 KiB ${pair(disk)}`,
    `XADD of ten increments ${pair(add)}`,
    `PING ${pair(ping)}`,
  ];
  return `p50/p99 ms: ${texts.join(', ')}`;
}

function pair(ascending: Float64Array): string {
  return `${quantile(ascending, 0.5).toFixed(2)}/${quantile(ascending, 0.99).toFixed(2)}`;
}
