/** Nothing happens: what does the operator ask of the API server all the same? */
import { setTimeout as delay } from 'node:timers/promises';
import type { Bench, Result } from './bench.ts';
import { apiCalls, difference, settled, startOperatorProcess } from './operator-process.ts';

export async function measureIdle(bench: Bench): Promise<readonly Result[]> {
  await using operator = await startOperatorProcess(bench, 'idle');
  await operator.ready();
  await settled(operator);
  const before = await apiCalls(operator);
  const cpuBefore = operator.cpuSeconds();
  const { idleSeconds } = bench.options;
  await delay(idleSeconds * 1_000);
  const calls = difference(await apiCalls(operator), before);
  const percent = ((operator.cpuSeconds() - cpuBefore) / idleSeconds) * 100;
  return [
    {
      what: `idle for ${String(idleSeconds)} s: calls beside watches`,
      measured: `${(calls.all / idleSeconds).toFixed(2)}/s (the Lease among them), ${percent.toFixed(1)} % of a core`,
      bar: '< 1/s',
      met: calls.all / idleSeconds < 1,
    },
    {
      what: 'lists and writes meanwhile',
      measured: `${String(calls.lists)} lists, ${String(calls.writes)} writes`,
      bar: '0 and 0',
      met: calls.lists === 0 && calls.writes === 0,
    },
  ];
}
