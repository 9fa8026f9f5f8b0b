/** Everything at once, then steady changes: are all imports cared for, and how soon is one changed? */
import { setTimeout as delay } from 'node:timers/promises';
import { csvImports } from '@millrace/operator/kinds/csv-import/resource-types';
import { AppliedChanges } from './applied-changes.ts';
import type { Result } from '../result.ts';
import type { Bench } from './bench.ts';
import { childrenEach, createImports, importName, namespace, takeCensus } from './imports.ts';
import {
  apiCalls,
  difference,
  settled,
  startOperatorProcess,
  type OperatorProcess,
} from './operator-process.ts';

const changesPerSecond = 10;
/** Least time between two writes of mere figures; the operator's own default. */
const statusIntervalMs = 10_000;
const appliedWithinMsMax = 1_000;

export async function measureLoad(bench: Bench): Promise<readonly Result[]> {
  await using operator = await startOperatorProcess(bench, 'load');
  await operator.ready();
  const results = [
    ...(await createAll(bench, operator)),
    ...(await changeSteadily(bench, operator)),
  ];
  // Figures that may wait are written by now, and are not left to whoever starts next.
  await delay(statusIntervalMs);
  await settled(operator);
  return results;
}

async function createAll(bench: Bench, operator: OperatorProcess): Promise<readonly Result[]> {
  const { api, options, log } = bench;
  const before = await apiCalls(operator);
  const [cpuBefore, beganAt] = [operator.cpuSeconds(), performance.now()];
  await createImports(api, options.imports);
  const createdSeconds = (performance.now() - beganAt) / 1_000;
  log(`created in ${createdSeconds.toFixed(1)} s`);
  await settled(operator);
  // `settled` looks for a second of quiet, which is not part of the work.
  const seconds = (performance.now() - beganAt) / 1_000 - 1;
  const calls = difference(await apiCalls(operator), before);
  const { children, observed } = await takeCensus(api);
  const wanted = options.imports * childrenEach;
  return [
    {
      what: `${String(options.imports)} CsvImports created at once`,
      measured: `${String(children)} of ${String(wanted)} children, ${String(observed)} statuses current, ${seconds.toFixed(0)} s after the first create (creating took ${createdSeconds.toFixed(0)} s)`,
      bar: 'all planned and applied',
      met: children === wanted && observed === options.imports,
    },
    {
      what: 'calls meanwhile',
      measured: `${(calls.all / seconds).toFixed(0)}/s, of them ${(calls.statusWrites / seconds).toFixed(0)} status writes/s; ${(calls.all / options.imports).toFixed(1)} calls an import; ${(operator.cpuSeconds() - cpuBefore).toFixed(0)} s CPU`,
      bar: 'shown',
      met: undefined,
    },
    {
      what: 'answers 429',
      measured: String(calls.throttled),
      bar: 'no storm: under 1 % of calls',
      met: calls.throttled * 100 < calls.all,
    },
  ];
}

async function changeSteadily(bench: Bench, operator: OperatorProcess): Promise<readonly Result[]> {
  const { api, options } = bench;
  await using changes = await AppliedChanges.open(api);
  const before = await apiCalls(operator);
  const cpuBefore = operator.cpuSeconds();
  const waits: Promise<number>[] = [];
  const beganAt = performance.now();
  for (let index = 0; index < options.changeSeconds * changesPerSecond; index++) {
    await delay(Math.max(0, beganAt + (index * 1_000) / changesPerSecond - performance.now()));
    waits.push(changeOne(bench, changes, index));
  }
  const latencies = (await Promise.all(waits)).toSorted((a, b) => a - b);
  const seconds = (performance.now() - beganAt) / 1_000;
  const calls = difference(await apiCalls(operator), before);
  const percent = (100 * (operator.cpuSeconds() - cpuBefore)) / seconds;
  const at = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  const measured = `p50 ${at(0.5).toFixed(0)} ms, p95 ${at(0.95).toFixed(0)} ms, most ${at(1).toFixed(0)} ms of ${String(latencies.length)} changes`;
  return [
    {
      what: `spec change → all four children applied, at ${String(changesPerSecond)} changes/s`,
      measured,
      bar: 'p95 < 1 s',
      met: at(0.95) < appliedWithinMsMax,
    },
    {
      what: 'calls meanwhile',
      measured: `${(calls.all / seconds).toFixed(0)}/s, ${(calls.statusWrites / seconds).toFixed(0)} status writes/s, ${percent.toFixed(0)} % of a core`,
      bar: 'shown',
      met: undefined,
    },
  ];
}

/** Milliseconds from the answer to the patch until the last child was seen. */
async function changeOne({ api, options }: Bench, changes: AppliedChanges, index: number) {
  const name = importName(index % options.imports);
  const applied = changes.next(name);
  await api.patch(
    csvImports,
    { namespace, name },
    { spec: { rejects: { maxRows: 10_000 + index } } },
  );
  const beganAt = performance.now();
  await applied;
  return performance.now() - beganAt;
}
