/** The leader is killed with SIGKILL just before a spec changes: when are its children applied? */
import { once } from 'node:events';
import { csvImports } from '@millrace/operator/kinds/csv-import/resource-types';
import { spreadOf } from '../statistics.ts';
import { AppliedChanges } from './applied-changes.ts';
import type { Result } from '../result.ts';
import type { Bench } from './bench.ts';
import { total } from '../exposition.ts';
import { importName, namespace } from './imports.ts';
import { settled, startOperatorProcess, until } from './operator-process.ts';

const actsWithinSecondsMax = 20;

export async function measureFailover(bench: Bench): Promise<readonly Result[]> {
  const seconds: number[] = [];
  for (let run = 0; run < bench.options.runs; run++) {
    seconds.push(await failOver(bench, run));
    bench.log(`successor acted after ${seconds.at(-1)?.toFixed(1) ?? ''} s`);
  }
  const { median, min, max } = spreadOf(seconds);
  return [
    {
      what: 'leader killed -9: the successor has applied a change after',
      measured: `${median.toFixed(1)} s (${min.toFixed(1)}–${max.toFixed(1)})`,
      bar: '< 20 s',
      met: max < actsWithinSecondsMax,
    },
  ];
}

async function failOver(bench: Bench, run: number): Promise<number> {
  await using leader = await startOperatorProcess(bench, `leader-${String(run)}`);
  await leader.ready();
  await until('the first leads', async () => isLeader(await leader.samples()), leader.child);
  await using standby = await startOperatorProcess(bench, `standby-${String(run)}`);
  await standby.ready();
  await settled(leader);
  const name = importName(run);
  await using changes = await AppliedChanges.open(bench.api);
  const ended = once(leader.child, 'exit');
  leader.child.kill('SIGKILL');
  await ended;
  const beganAt = performance.now();
  const applied = changes.next(name);
  await bench.api.patch(
    csvImports,
    { namespace, name },
    { spec: { rejects: { maxRows: 90_000 + run } } },
  );
  await applied;
  return (performance.now() - beganAt) / 1_000;
}

function isLeader(samples: Parameters<typeof total>[0]): boolean {
  return total(samples, 'millrace_operator_leader') === 1;
}
