/**
 * CPU time of the gateway for one POST /increment with durability Fsync, against the baseline server
 * under the same load, user and system of all of each process.
 *
 * The bar is judged with both under load at once. A gateway cannot work without Redis, a worker and
 * Postgres, which share cores and caches with it: the very same server code costs half as much again in
 * that company as alone (measured). In turns, where the baseline has the machine to itself, both is
 * shown; there pairs are interleaved (A B, B A, …), so that a slow minute is in both sides of one.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { portAllocator } from '../../play/supervisor/free-port.ts';
import { readUsage } from '../pods.ts';
import type { Result } from '../result.ts';
import { spreadOf, spreadText } from '../statistics.ts';
import { Account } from './account.ts';
import type { Bench } from './bench.ts';
import { exactness } from './exactness.ts';
import { isClean, latencyText, loadSingles } from './loads.ts';
import { openPipeline } from './pipeline.ts';

const ratioMax = 1.6;
/**
 * Each of both, or one after the other. An append is shared by more requests the more there are: below
 * 2,000 a second few are, which is shown, and a gateway then has CPU to spare.
 */
const rates = {
  together: [
    { requestsPerSecond: 1_500, isJudged: false },
    { requestsPerSecond: 3_000, isJudged: true },
    { requestsPerSecond: 4_500, isJudged: true },
  ],
  inTurns: [3_000, 6_000],
} as const;
const microseconds = 1e6;
const keys = { seed: 1, many: 9_000 };
const entry = fileURLToPath(new URL('empty-server.ts', import.meta.url));
const freePort = portAllocator();

interface Side {
  readonly name: string;
  readonly pid: number;
  readonly host: string;
  readonly port: number;
  readonly account?: Account;
}

export async function measureCpu(bench: Bench): Promise<readonly Result[]> {
  const { options, log } = bench;
  const seconds = options.quick ? 2 : 8;
  await using pipeline = await openPipeline(bench, { name: 'cpu' });
  const gateway = await pipeline.start('gateway');
  await pipeline.start('worker');
  await using empty = await startEmptyServer();
  const account = new Account();
  const sides = [{ ...gateway, account }, empty] as const;
  // Compiled code before the first figure.
  const warm = { requestsPerSecond: 3_000, seconds: seconds / 2, log };
  for (const side of sides) await costOf(side, warm);
  const results: Result[] = [await idleCost(gateway.pid, seconds)];
  for (const { requestsPerSecond, isJudged } of rates.together) {
    const load = { requestsPerSecond, seconds, log };
    const costs: Costs = [[], []];
    for (let run = 0; run < options.runs; run += 1) {
      const each = await Promise.all([costOf(sides[0], load), costOf(sides[1], load)]);
      for (const place of [0, 1] as const) costs[place].push(each[place]);
    }
    results.push(compared(costs, { what: `at ${String(requestsPerSecond)}/s each`, isJudged }));
  }
  for (const requestsPerSecond of rates.inTurns) {
    const costs = await takeTurns(sides, { requestsPerSecond, seconds, log }, options.runs);
    const what = `in turns, the baseline alone on the machine, at ${String(requestsPerSecond)}/s`;
    results.push(compared(costs, { what, isJudged: false }));
  }
  return [...results, await exactness(bench, account, pipeline.table)];
}

interface Load {
  readonly requestsPerSecond: number;
  readonly seconds: number;
  readonly log: Bench['log'];
}

/** Microseconds of CPU a request. */
async function costOf(side: Side, { requestsPerSecond, seconds, log }: Load): Promise<number> {
  const before = (await readUsage(side.pid))?.cpuSeconds ?? Number.NaN;
  const result = await loadSingles(side, { keys, requestsPerSecond, seconds }, side.account);
  const after = (await readUsage(side.pid))?.cpuSeconds ?? Number.NaN;
  const each = ((after - before) / result.sent) * microseconds;
  log(`${side.name}: ${each.toFixed(1)} µs of CPU a request, ${latencyText(result)}`);
  if (!isClean(result)) throw new Error(`${side.name} answered ${JSON.stringify(result.byStatus)}`);
  return each;
}

/** What the gateway spends on watching Redis, the ledger and itself; it is in every figure after it. */
async function idleCost(pid: number, seconds: number): Promise<Result> {
  const before = (await readUsage(pid))?.cpuSeconds ?? Number.NaN;
  await delay(seconds * 1_000);
  const after = (await readUsage(pid))?.cpuSeconds ?? Number.NaN;
  const each = ((after - before) / seconds) * 1_000;
  return {
    what: 'gateway CPU without requests',
    measured: `${each.toFixed(1)} ms a second`,
    bar: 'shown',
    met: undefined,
  };
}

/** Microseconds a request of the gateway and of the baseline, run by run. */
type Costs = readonly [number[], number[]];

async function takeTurns(sides: readonly [Side, Side], load: Load, runs: number): Promise<Costs> {
  const costs: Costs = [[], []];
  for (let run = 0; run < runs; run += 1) {
    const order = run % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const);
    for (const place of order) costs[place].push(await costOf(sides[place], load));
  }
  return costs;
}

function compared(
  [ours, theirs]: Costs,
  { what, isJudged }: { readonly what: string; readonly isJudged: boolean },
): Result {
  const ratio = spreadOf(ours.map((each, run) => each / (theirs[run] ?? Number.NaN)));
  const both = `${spreadText(spreadOf(ours), 0)} µs and ${spreadText(spreadOf(theirs), 0)} µs`;
  return {
    what: `single, Fsync: gateway CPU a request, to a server that validates and answers 200, ${what}`,
    measured: `**${spreadText(ratio)}** (${both})`,
    bar: isJudged ? `≤ ${String(ratioMax)}` : 'shown',
    met: isJudged ? ratio.median <= ratioMax : undefined,
  };
}

async function startEmptyServer(): Promise<Side & AsyncDisposable> {
  const port = await freePort();
  const host = '127.0.0.1';
  const child = spawn(process.execPath, [entry, String(port)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  while (!(await answers(`http://${host}:${String(port)}/`))) {
    if (child.exitCode !== null) throw new Error('the baseline server does not start');
    await delay(50);
  }
  return {
    name: 'baseline',
    pid: child.pid ?? 0,
    host,
    port,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

async function answers(url: string): Promise<boolean> {
  try {
    await (await fetch(url)).body?.cancel();
    return true;
  } catch {
    return false;
  }
}
