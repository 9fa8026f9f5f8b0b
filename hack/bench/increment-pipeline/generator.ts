/**
 * The load as a process of its own, so that what it costs is on nobody's account: told by a message
 * what to do, it makes its requests ahead, says that it is ready, waits for `go` and answers with the
 * result. See load-process.ts for the other side.
 */
import { once } from 'node:events';
import { fateOf } from '../../load/exchange.ts';
import { runOpenLoop, type OpenLoopOptions, type OpenLoopResult } from '../../load/open-loop.ts';
import type { Address } from '../../load/raw-connection.ts';
import { runBatchLoop, type BatchLoopOptions, type BatchLoopResult } from './batch-loop.ts';
import type { KeySet } from './keys.ts';
import { count, noCounts, type LoadCounts } from './load-counts.ts';
import { batchRequests, singleRequests, type BatchPlan } from './requests.ts';

export type SingleLoad = Pick<OpenLoopOptions, 'requestsPerSecond' | 'seconds' | 'connections'> &
  Address & { readonly kind: 'single'; readonly keys: KeySet };

export type BatchLoad = Pick<BatchLoopOptions, 'seconds' | 'connections' | 'incrementsMax'> &
  Address &
  BatchPlan & { readonly kind: 'batch' };

interface Cost {
  /** Of the generator, without its start and the making of requests. */
  readonly cpuSeconds: number;
}

export interface SingleLoadResult extends OpenLoopResult, Cost {
  readonly counts: LoadCounts;
}

export interface BatchLoadResult extends BatchLoopResult, Cost {
  readonly counts: LoadCounts;
}

async function runSingle(load: SingleLoad): Promise<SingleLoadResult> {
  const { many } = load.keys;
  const requests = singleRequests(load.keys);
  const counts = noCounts(many);
  await ready();
  const before = process.cpuUsage();
  const result = await runOpenLoop({
    ...load,
    request: (index) => requests[index % many] ?? Buffer.of(),
    settled: (index, status, refusal) =>
      count(counts, [index % many], fateOf(status ?? 0, refusal).fate),
  });
  return { ...result, counts, cpuSeconds: cpuSecondsSince(before) };
}

async function runBatch(load: BatchLoad): Promise<BatchLoadResult> {
  const batches = batchRequests(load);
  const counts = noCounts(load.keys.many);
  await ready();
  const before = process.cpuUsage();
  const result = await runBatchLoop({ ...load, batches, counts });
  return { ...result, counts, cpuSeconds: cpuSecondsSince(before) };
}

function cpuSecondsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

async function ready(): Promise<void> {
  process.send?.('ready');
  await once(process, 'message');
}

// Who started us is gone: nobody waits for the result.
process.on('disconnect', () => process.exit());
const [load] = (await once(process, 'message')) as [SingleLoad | BatchLoad];
process.send?.(load.kind === 'single' ? await runSingle(load) : await runBatch(load), () =>
  process.disconnect(),
);
