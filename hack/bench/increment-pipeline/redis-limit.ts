/**
 * The most that Redis takes of what gateways send it: a batch as packed entries, one a partition, in
 * one pipeline, with as many pipelines under way as the batch load has connections.
 */
import { spreadOf, type Spread } from '../statistics.ts';
import type { Bench } from './bench.ts';
import { connectRedis } from './servers.ts';

/** Of an increment in an entry. */
const incrementBytes = 24;
const partitions = 8;

export async function measureRedisLimit(
  bench: Bench,
  { items, connections }: { readonly items: number; readonly connections: number },
): Promise<Spread> {
  const { options, log } = bench;
  await using redis = connectRedis(bench);
  const { client } = redis;
  const streams = Array.from({ length: partitions }, (_, index) => `bench:limit:${String(index)}`);
  const entry = Buffer.alloc((items / partitions) * incrementBytes, 7);
  const rates: number[] = [];
  for (let run = 0; run < options.runs; run += 1) {
    const startMs = performance.now();
    const endMs = startMs + (options.quick ? 1_000 : 5_000);
    let taken = 0;
    const lane = async (): Promise<void> => {
      while (performance.now() < endMs) {
        const pipeline = client.pipeline();
        for (const stream of streams) pipeline.xadd(stream, '*', '1', entry);
        for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error;
        taken += items;
      }
    };
    await Promise.all(Array.from({ length: connections }, lane));
    rates.push(taken / ((performance.now() - startMs) / 1_000));
    log(`Redis alone: ${Math.round((rates.at(-1) ?? 0) / 1_000).toFixed(0)} k increments/s`);
    await client.unlink(...streams);
  }
  return spreadOf(rates);
}
