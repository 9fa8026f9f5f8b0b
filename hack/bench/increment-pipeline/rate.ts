/**
 * The highest constant rate of POST /increment at which 99 of 100 answers come within 20 ms, durable
 * with Fsync, on one gateway and one worker: looked for by growing steps, narrowed by halves, and
 * then held for longer. How long a flush of the disk takes is told beside, since no answer is sooner.
 */
import { isLate, latencyMs } from '../../load/open-loop.ts';
import type { Result } from '../result.ts';
import { spreadOf, spreadText } from '../statistics.ts';
import { Account } from './account.ts';
import type { Bench } from './bench.ts';
import { exactness } from './exactness.ts';
import type { SingleLoadResult } from './generator.ts';
import { isClean, latencyText, loadSingles, onTime } from './loads.ts';
import { openPipeline } from './pipeline.ts';
import { redisFloor } from './servers.ts';

const p99MsMax = 20;
const keys = { seed: 2, many: 9_000 };
const firstRate = 1_000;
const rateMax = 64_000;
const growth = 1.5;
const halvings = 3;
/** Where the rate found does not hold for longer. */
const stepDown = 0.9;
const stepsDown = 6;

type Try = (rate: number, seconds: number) => Promise<SingleLoadResult>;

export async function measureRate(bench: Bench): Promise<readonly Result[]> {
  const { options, log } = bench;
  const floor = await redisFloor(bench);
  await using pipeline = await openPipeline(bench, { name: 'rate' });
  const gateway = await pipeline.start('gateway');
  await pipeline.start('worker');
  const account = new Account();
  const attempt: Try = async (rate, seconds) => {
    const load = { keys, requestsPerSecond: rate, seconds };
    const result = await onTime(() => loadSingles(gateway, load, account));
    log(`${String(rate)}/s: ${latencyText(result)}, ${JSON.stringify(result.byStatus)}`);
    return result;
  };
  const found = await highestRate(attempt, options.quick ? 2 : 5);
  const held = await hold(attempt, found, { seconds: options.quick ? 3 : 15, runs: options.runs });
  return [
    {
      what: 'single, Fsync: highest open-loop rate with p99 < 20 ms, one gateway, one worker',
      measured: held.text,
      bar: 'shown',
      met: undefined,
    },
    { what: '– Redis when idle', measured: floor, bar: 'shown', met: undefined },
    await exactness(bench, account, pipeline.table),
  ];
}

function isGood(result: SingleLoadResult): boolean {
  return isClean(result) && latencyMs(result, 0.99) < p99MsMax && !isLate(result);
}

async function highestRate(attempt: Try, seconds: number): Promise<number> {
  // A single bad second of the machine must not end the search.
  const works = async (rate: number): Promise<boolean> =>
    isGood(await attempt(rate, seconds)) || isGood(await attempt(rate, seconds));
  let [good, bad] = [0, firstRate];
  await works(firstRate);
  while (bad < rateMax && (await works(bad))) {
    good = bad;
    bad = Math.round((bad * growth) / 100) * 100;
  }
  for (let halving = 0; halving < halvings && good > 0; halving += 1) {
    const middle = Math.round((good + bad) / 200) * 100;
    if (await works(middle)) good = middle;
    else bad = middle;
  }
  return good === 0 ? firstRate : good;
}

async function hold(
  attempt: Try,
  found: number,
  { seconds, runs }: { readonly seconds: number; readonly runs: number },
): Promise<{ readonly text: string }> {
  let rate = found;
  for (let step = 0; ; step += 1) {
    const results: SingleLoadResult[] = [];
    for (let run = 0; run < runs; run += 1) results.push(await attempt(rate, seconds));
    const p50 = spreadOf(results.map((result) => latencyMs(result, 0.5)));
    const p99 = spreadOf(results.map((result) => latencyMs(result, 0.99)));
    const voids = results.filter(isLate).length;
    const isHeld = results.every(isClean) && p99.median < p99MsMax;
    if (!isHeld && step < stepsDown) {
      rate = Math.round((rate * stepDown) / 100) * 100;
      continue;
    }
    const latencies = `p50 ${spreadText(p50, 1)} ms, p99 ${spreadText(p99, 1)} ms`;
    const doubt = voids === 0 ? '' : `; the generator was late in ${String(voids)} runs`;
    const text = `**${rate.toLocaleString('en-US')}/s**: ${latencies}, ${String(runs)} runs of ${String(seconds)} s${doubt}`;
    return { text: isHeld ? text : `not held; at ${text}` };
  }
}
