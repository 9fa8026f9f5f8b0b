/**
 * How old an increment gets before it is in the table: at light load, under as much as two cores take,
 * after Postgres was away, and after a worker was killed. While Postgres cannot be written nothing can
 * be fresh: an increment of that time counts from the moment Postgres is back.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Result } from '../result.ts';
import { quantile } from '../statistics.ts';
import { Account } from './account.ts';
import type { Bench } from './bench.ts';
import { exactness } from './exactness.ts';
import { loadBatches } from './loads.ts';
import { openPipeline, type Pipeline, type RolePod } from './pipeline.ts';
import { ageMs, startProbes, type ProbeResult, type Window } from './probes.ts';

const p99MsMax = 3_000;
const worstMsMax = 10_000;
const workers = 2;
/** Leases are dealt out within seconds of a start. */
const settleMs = 5_000;
const keys = { seed: 4, many: 20_000 };

interface Scene {
  readonly bench: Bench;
  readonly pipeline: Pipeline;
  readonly gateway: RolePod;
  readonly workers: readonly RolePod[];
  readonly account: Account;
}

interface Scenario {
  readonly name: string;
  readonly title: string;
  /** What happens meanwhile; tells when Postgres could not be written, if ever. */
  play(scene: Scene): Promise<Window | undefined>;
}

function seconds({ options }: Bench, many: number): number {
  return options.quick ? Math.max(5, many / 4) : many;
}

const scenarios: readonly Scenario[] = [
  {
    name: 'light',
    title: 'light load (20/s)',
    play: async ({ bench }) => {
      await delay(seconds(bench, 30) * 1_000);
      return undefined;
    },
  },
  { name: 'full', title: 'full load (batches as fast as they are answered)', play: playFull },
  { name: 'outage', title: 'Postgres killed for 5 s', play: playOutage },
  { name: 'death', title: 'one of two workers killed -9', play: playDeath },
];

export async function measureStaleness(bench: Bench): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const scenario of scenarios) results.push(...(await measureScenario(bench, scenario)));
  return results;
}

async function measureScenario(bench: Bench, scenario: Scenario): Promise<readonly Result[]> {
  const { owner, log } = bench;
  const account = new Account();
  await using pipeline = await openPipeline(bench, { name: `stale_${scenario.name}` });
  const gateway = await pipeline.start('gateway');
  const pods: RolePod[] = [];
  for (let index = 0; index < workers; index += 1) pods.push(await pipeline.start('worker'));
  await delay(settleMs);
  const { table } = pipeline;
  const probes = startProbes({ gateway, owner, table, account });
  const window = await scenario.play({ bench, pipeline, gateway, workers: pods, account });
  const result = await probes.stop();
  const line = lineOf(scenario, result, window);
  log(`${line.what}: ${line.measured}`);
  return [line, await exactness(bench, account, table)];
}

async function playFull({ bench, gateway, account }: Scene): Promise<undefined> {
  const load = { keys, batches: 20, items: 10_000, format: 'array', connections: 4 } as const;
  const result = await loadBatches(
    gateway,
    { ...load, seconds: seconds(bench, 30), incrementsMax: Number.POSITIVE_INFINITY },
    account,
  );
  bench.log(`${Math.round(result.accepted / result.seconds / 1_000).toFixed(0)} k increments/s`);
}

async function playOutage({ bench }: Scene): Promise<Window> {
  await delay(seconds(bench, 15) * 1_000);
  const fromMs = performance.now();
  bench.postgres.kill('SIGKILL');
  await delay(5_000);
  await bench.postgres.restart();
  const toMs = performance.now();
  await delay(seconds(bench, 30) * 1_000);
  return { fromMs, toMs };
}

async function playDeath({ bench, workers: pods }: Scene): Promise<undefined> {
  await delay(seconds(bench, 15) * 1_000);
  await pods[0]?.kill();
  await delay(seconds(bench, 45) * 1_000);
}

function lineOf(
  { title }: Scenario,
  { probes, refused, gaugeMs }: ProbeResult,
  window: Window | undefined,
): Result {
  const agesMs = Float64Array.from(probes, (probe) => ageMs(probe, window)).sort();
  const [p50, p99, worst] = [quantile(agesMs, 0.5), quantile(agesMs, 0.99), quantile(agesMs, 1)];
  const excused =
    window === undefined
      ? ''
      : `, ${((window.toMs - window.fromMs) / 1_000).toFixed(1)} s without Postgres excused`;
  const lost = refused === 0 ? '' : `, ${String(refused)} refused`;
  const own = `the pipeline's own gauge p99 ${inSeconds(quantile(gaugeMs, 0.99))}, most ${inSeconds(quantile(gaugeMs, 1))}`;
  return {
    what: `staleness, ${title}`,
    measured: `p50 ${inSeconds(p50)}, **p99 ${inSeconds(p99)}, most ${inSeconds(worst)}** of ${String(probes.length)}${lost}${excused}; ${own}`,
    bar: 'p99 < 3 s, never > 10 s',
    met: p99 < p99MsMax && worst <= worstMsMax,
  };
}

function inSeconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}
