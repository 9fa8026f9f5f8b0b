/** A start over everything that exists: how long until the caches are full and each import was looked at. */
import { spreadOf } from '../statistics.ts';
import type { Result } from '../result.ts';
import type { Bench } from './bench.ts';
import { childrenEach } from './imports.ts';
import { apiCalls, settled, startOperatorProcess, writesInWords } from './operator-process.ts';

const syncedWithinSecondsMax = 60;
const residentBytesMax = 512 * 1_024 * 1_024;

export async function measureColdStart(bench: Bench): Promise<readonly Result[]> {
  const synced: number[] = [];
  const done: number[] = [];
  const peaks: number[] = [];
  let writes = 0;
  for (let run = 0; run < bench.options.runs; run++) {
    await using operator = await startOperatorProcess(bench, `cold-${String(run)}`);
    synced.push((await operator.ready()) / 1_000);
    await settled(operator);
    done.push((performance.now() - operator.startedAtMs) / 1_000 - 1);
    peaks.push(operator.peakBytes());
    writes += (await apiCalls(operator)).writes;
    bench.log(await writesInWords(operator));
    bench.log(`cold start ${String(run + 1)}: ${synced.at(-1)?.toFixed(1) ?? ''} s`);
  }
  const { imports } = bench.options;
  const peak = spreadOf(peaks.map((bytes) => bytes / 1_048_576));
  const text = (values: readonly number[]): string => {
    const { median, min, max } = spreadOf(values);
    return `${median.toFixed(1)} s (${min.toFixed(1)}–${max.toFixed(1)})`;
  };
  return [
    {
      what: `cold start with ${String(imports)} resources and ${String(imports * childrenEach)} children`,
      measured: `synced after ${text(synced)}, every resource passed after ${text(done)}`,
      bar: 'synced < 60 s',
      met: spreadOf(synced).median < syncedWithinSecondsMax,
    },
    {
      what: 'greatest resident size of it',
      measured: `${peak.median.toFixed(0)} MiB (${peak.min.toFixed(0)}–${peak.max.toFixed(0)})`,
      bar: '< 512 MiB',
      met: spreadOf(peaks).median < residentBytesMax,
    },
    {
      what: `writes in the ${String(imports * bench.options.runs)} passes with nothing to do`,
      measured: String(writes),
      bar: '0',
      met: writes === 0,
    },
  ];
}
