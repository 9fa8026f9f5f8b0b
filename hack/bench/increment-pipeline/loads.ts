/** Loads as the measurements ask for them: run in a process of its own, and put on the account. */
import { isLate, latencyMs, latenessMs, type OpenLoopResult } from '../../load/open-loop.ts';
import type { Account } from './account.ts';
import type { BatchLoad, BatchLoadResult, SingleLoad, SingleLoadResult } from './generator.ts';
import { prepareLoad } from './load-process.ts';
import type { RolePod } from './pipeline.ts';

/** More than the requests that are under way at any bearable latency. */
export const connections = 128;

type At = Pick<RolePod, 'host' | 'port'>;

export async function loadSingles(
  at: At,
  load: Omit<SingleLoad, 'kind' | 'host' | 'port' | 'connections'>,
  account?: Account,
): Promise<SingleLoadResult> {
  using prepared = await prepareLoad({
    ...load,
    kind: 'single',
    host: at.host,
    port: at.port,
    connections,
  });
  const result = await prepared.run();
  account?.add(load.keys, result.counts);
  return result;
}

export async function loadBatches(
  at: At,
  load: Omit<BatchLoad, 'kind' | 'host' | 'port'>,
  account: Account,
): Promise<BatchLoadResult> {
  using prepared = await prepareLoad({ ...load, kind: 'batch', host: at.host, port: at.port });
  const result = await prepared.run();
  account.add(load.keys, result.counts);
  return result;
}

/** The void runs of a noisy host tell nothing; after so many the last one is given all the same. */
const attempts = 3;

/** Runs until the generator was on time. */
export async function onTime(run: () => Promise<SingleLoadResult>): Promise<SingleLoadResult> {
  for (let attempt = 1; ; attempt += 1) {
    const result = await run();
    if (!isLate(result) || attempt === attempts) return result;
  }
}

export function latencyText(result: OpenLoopResult): string {
  const [p50, p99] = [latencyMs(result, 0.5), latencyMs(result, 0.99)];
  const late = latenessMs(result, 0.99).toFixed(1);
  const verdict = isLate(result) ? ', void' : '';
  return `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms (generator late by ${late} ms at p99${verdict})`;
}

/** Every request was answered with 200. */
export function isClean({ asked, byStatus }: OpenLoopResult): boolean {
  return byStatus['200'] === asked;
}
