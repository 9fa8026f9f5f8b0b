/**
 * Increments a second through POST /increments with batches of 10,000, as much as two cores take with
 * everything on them: load, gateway, Redis with Fsync, and with workers also Postgres. Beside it what
 * Redis alone takes: the same bytes as entries, by pipelined XADD.
 */
import type { Result } from '../result.ts';
import { quantile, spreadOf, spreadText } from '../statistics.ts';
import { Account } from './account.ts';
import type { Bench } from './bench.ts';
import { exactness } from './exactness.ts';
import type { BatchLoadResult } from './generator.ts';
import { loadBatches } from './loads.ts';
import { openPipeline } from './pipeline.ts';
import { measureRedisLimit } from './redis-limit.ts';
import type { BatchFormat } from './requests.ts';

const leastPerSecond = 500_000;
const items = 10_000;
const batches = 20;
/** Half of what one commit may hold of each partition: many increments are folded into one row. */
const keys = { seed: 3, many: 20_000 };
/** Enough that one is read while another one waits for Redis. */
const connections = 4;

interface Case {
  readonly format: BatchFormat;
  readonly workers: number;
}

const cases: readonly Case[] = [
  { format: 'array', workers: 0 },
  { format: 'array', workers: 1 },
  { format: 'ndjson', workers: 0 },
  { format: 'ndjson', workers: 1 },
];

export async function measureBatches(bench: Bench): Promise<readonly Result[]> {
  const limit = await measureRedisLimit(bench, { items, connections });
  const results: Result[] = [
    {
      what: 'Redis alone: the same bytes by pipelined XADD, Fsync',
      measured: `${perSecond(limit.median)} (${perSecond(limit.min)}–${perSecond(limit.max)})`,
      bar: 'shown',
      met: undefined,
    },
  ];
  for (const one of cases) results.push(...(await measureCase(bench, one, limit.median)));
  return results;
}

async function measureCase(
  bench: Bench,
  { format, workers }: Case,
  limit: number,
): Promise<readonly Result[]> {
  const { options, log } = bench;
  const account = new Account();
  await using pipeline = await openPipeline(bench, { name: `batch_${format}_${String(workers)}` });
  const gateway = await pipeline.start('gateway');
  for (let index = 0; index < workers; index += 1) await pipeline.start('worker');
  const run = async (seconds: number): Promise<BatchLoadResult> => {
    const result = await loadBatches(
      gateway,
      {
        keys,
        batches,
        items,
        format,
        connections,
        seconds,
        incrementsMax: Number.POSITIVE_INFINITY,
      },
      account,
    );
    log(
      `${format}, ${String(workers)} workers: ${perSecond(result.accepted / result.seconds)}, batches p50 ${quantile(result.latenciesMs, 0.5).toFixed(0)} ms, p99 ${quantile(result.latenciesMs, 0.99).toFixed(0)} ms, ${JSON.stringify(result.byStatus)}; generator ${((100 * result.cpuSeconds) / result.seconds).toFixed(0)} % of a core`,
    );
    return result;
  };
  await run(options.quick ? 1 : 3);
  const rates: number[] = [];
  const p99: number[] = [];
  for (let index = 0; index < options.runs; index += 1) {
    const result = await run(options.quick ? 2 : 8);
    rates.push(result.accepted / result.seconds);
    p99.push(quantile(result.latenciesMs, 0.99));
  }
  if (workers === 0) await pipeline.start('worker');
  const rate = spreadOf(rates);
  return [
    {
      what: `batches of 10,000, ${format === 'array' ? 'array' : 'NDJSON'}, ${workers === 0 ? 'no worker' : 'worker running'}`,
      measured: `**${perSecond(rate.median)}** (${perSecond(rate.min)}–${perSecond(rate.max)}), batch p99 ${spreadText(spreadOf(p99), 0)} ms`,
      bar: `≥ ${perSecond(leastPerSecond)}, or Redis' own limit`,
      met: isMet(rate.median, limit),
    },
    await exactness(bench, account, pipeline.table),
  ];
}

/** Where Redis alone takes less, the figure is only shown. */
function isMet(rate: number, limit: number): boolean | undefined {
  if (rate >= leastPerSecond) return true;
  return limit < leastPerSecond ? undefined : false;
}

function perSecond(value: number): string {
  return `${Math.round(value / 1_000).toLocaleString('en-US')} k/s`;
}
