/**
 * The memory of one gateway and one worker over the number of increments and of requests, which must
 * not show, and over the number of distinct keys, which must stay bounded by what one commit holds.
 */
import { readUsage } from '../pods.ts';
import type { Result } from '../result.ts';
import { Account } from './account.ts';
import type { Bench } from './bench.ts';
import { exactness } from './exactness.ts';
import { loadBatches, loadSingles } from './loads.ts';
import { openPipeline, type Pipeline, type RolePod } from './pipeline.ts';

/** Of the last stage to the first: what garbage collection leaves differs from one look to the next. */
const growthMax = 1.25;
const items = 10_000;
const mebibyte = 1_048_576;
/** Nobody's batch waits for more than this. */
const patienceSeconds = 300;

interface Peaks {
  readonly gateway: number;
  readonly worker: number;
}

export async function measureMemory(bench: Bench): Promise<readonly Result[]> {
  return [
    ...(await overIncrements(bench)),
    ...(await overRequests(bench)),
    ...(await overKeys(bench)),
  ];
}

async function overIncrements(bench: Bench): Promise<readonly Result[]> {
  const stages = [1_000_000, 3_000_000, 6_000_000];
  const keys = { seed: 5, many: 100_000 };
  return overStages(bench, {
    name: 'increments',
    stages: bench.options.quick ? stages.map((stage) => stage / 10) : stages,
    load: async (gateway, { many, account }) => {
      const plan = { keys, items, batches: 10, format: 'array', connections: 2 } as const;
      await loadBatches(
        gateway,
        { ...plan, incrementsMax: many, seconds: patienceSeconds },
        account,
      );
    },
  });
}

async function overRequests(bench: Bench): Promise<readonly Result[]> {
  const stages = [60_000, 180_000, 360_000];
  const keys = { seed: 6, many: 9_000 };
  const requestsPerSecond = 3_000;
  return overStages(bench, {
    name: 'requests',
    stages: bench.options.quick ? stages.map((stage) => stage / 10) : stages,
    load: async (gateway, { many, account }) => {
      const load = { keys, requestsPerSecond, seconds: many / requestsPerSecond };
      await loadSingles(gateway, load, account);
    },
  });
}

interface Stages {
  readonly name: 'increments' | 'requests';
  /** So many in all when a stage ends. */
  readonly stages: readonly number[];
  readonly load: (
    gateway: RolePod,
    part: { readonly many: number; readonly account: Account },
  ) => Promise<void>;
}

async function overStages(
  bench: Bench,
  { name, stages, load }: Stages,
): Promise<readonly Result[]> {
  const account = new Account();
  await using pipeline = await openPipeline(bench, { name: `memory_${name}` });
  const pods = await startPair(pipeline);
  const looks: Peaks[] = [];
  const texts: string[] = [];
  let done = 0;
  for (const stage of stages) {
    await load(pods.gateway, { many: stage - done, account });
    done = stage;
    await account.verdict(bench.owner, pipeline.table);
    const peaks = await peaksOf(pods);
    looks.push(peaks);
    texts.push(`${stage.toLocaleString('en-US')}: ${inMebibytes(peaks)}`);
  }
  const [first, last] = [looks[0], looks.at(-1)];
  const growth = (role: keyof Peaks): number => (last?.[role] ?? 0) / (first?.[role] ?? Number.NaN);
  const ratios = `${growth('gateway').toFixed(2)} and ${growth('worker').toFixed(2)}`;
  return [
    {
      what: `greatest memory of gateway and worker over the number of ${name}`,
      measured: `**${ratios}** of the first (${texts.join('; ')})`,
      bar: `flat: ≤ ${String(growthMax)}`,
      met: growth('gateway') <= growthMax && growth('worker') <= growthMax,
    },
    await exactness(bench, account, pipeline.table),
  ];
}

async function overKeys(bench: Bench): Promise<readonly Result[]> {
  const increments = bench.options.quick ? 200_000 : 2_000_000;
  const results: Result[] = [];
  for (const many of [1_000, 100_000, 1_000_000]) {
    const account = new Account();
    await using pipeline = await openPipeline(bench, { name: `memory_keys_${String(many)}` });
    const pods = await startPair(pipeline);
    const keys = { seed: 7, many };
    const batches = Math.max(1, Math.min(many, increments) / items);
    const plan = { keys, items, batches, format: 'array', connections: 2 } as const;
    const load = { ...plan, incrementsMax: increments, seconds: patienceSeconds };
    await loadBatches(pods.gateway, load, account);
    const ledger = await exactness(bench, account, pipeline.table);
    results.push(
      {
        what: `the same with ${many.toLocaleString('en-US')} distinct keys in ${increments.toLocaleString('en-US')} increments`,
        measured: inMebibytes(await peaksOf(pods)),
        bar: 'shown',
        met: undefined,
      },
      ledger,
    );
  }
  return results;
}

interface Pair {
  readonly gateway: RolePod;
  readonly worker: RolePod;
}

async function startPair(pipeline: Pipeline): Promise<Pair> {
  return { gateway: await pipeline.start('gateway'), worker: await pipeline.start('worker') };
}

async function peaksOf({ gateway, worker }: Pair): Promise<Peaks> {
  const peak = async ({ pid }: RolePod): Promise<number> =>
    (await readUsage(pid))?.peakBytes ?? Number.NaN;
  return { gateway: await peak(gateway), worker: await peak(worker) };
}

function inMebibytes({ gateway, worker }: Peaks): string {
  return `${(gateway / mebibyte).toFixed(0)} and ${(worker / mebibyte).toFixed(0)} MiB`;
}
