/** Loads as the measurements ask for them: run in a process of its own, and put on the account. */
import { isLate, latencyMs, latenessMs, type OpenLoopResult } from '../../load/open-loop.ts';
import type { Account } from './account.ts';
import type { BatchLoad, BatchLoadResult, SingleLoad, SingleLoadResult } from './generator.ts';
import { prepareLoad, type Loaded } from './load-process.ts';
import type { RolePod } from './pipeline.ts';

/** More than the requests that are under way at any bearable latency. */
export const connections = 128;

type At = Pick<RolePod, 'host' | 'port'>;

export async function loadSingles(
  at: At,
  load: Omit<SingleLoad, 'kind' | 'host' | 'port' | 'connections'>,
  account?: Account,
): Promise<Loaded<SingleLoadResult>> {
  using prepared = await prepareLoad({
    ...load,
    kind: 'single',
    host: at.host,
    port: at.port,
    connections,
  });
  const loaded = await prepared.run();
  account?.add(load.keys, loaded.result.counts);
  return loaded;
}

export async function loadBatches(
  at: At,
  load: Omit<BatchLoad, 'kind' | 'host' | 'port'>,
  account: Account,
): Promise<Loaded<BatchLoadResult>> {
  using prepared = await prepareLoad({ ...load, kind: 'batch', host: at.host, port: at.port });
  const loaded = await prepared.run();
  account.add(load.keys, loaded.result.counts);
  return loaded;
}

/** The void runs of a noisy host tell nothing; after so many the last one is given all the same. */
const attempts = 3;

/** Runs until the generator was on time. */
export async function onTime(
  run: () => Promise<Loaded<SingleLoadResult>>,
): Promise<Loaded<SingleLoadResult>> {
  for (let attempt = 1; ; attempt += 1) {
    const loaded = await run();
    if (!isLate(loaded.result) || attempt === attempts) return loaded;
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
