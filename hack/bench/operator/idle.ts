/** Nothing happens: what does the operator ask of the API server all the same? */
import { setTimeout as delay } from 'node:timers/promises';
import type { Result } from '../result.ts';
import type { Bench } from './bench.ts';
import { apiCalls, difference, settled, startOperatorProcess } from './operator-process.ts';

/** Renewals are made by a thread with a connection of its own, which no metric counts. */
const renewalsPerSecond = 0.5;

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
      measured: `${(calls.all / idleSeconds).toFixed(2)}/s and one renewal of the Lease every 2 s, ${percent.toFixed(1)} % of a core`,
      bar: '< 1/s',
      met: calls.all / idleSeconds + renewalsPerSecond < 1,
    },
    {
      what: 'lists and writes meanwhile',
      measured: `${String(calls.lists)} lists, ${String(calls.writes)} writes`,
      bar: '0 and 0',
      met: calls.lists === 0 && calls.writes === 0,
    },
  ];
}
