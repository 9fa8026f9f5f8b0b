/**
 * `npm run bench -- increment`: an IncrementPipeline against the bars of its page, one after the other
 * on the same Postgres and Redis. See README.md.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Pool } from 'pg';
import type { BackendName, RunningBackend } from '../../backends/backend.ts';
import { startBackends } from '../../backends/resolve.ts';
import { machineLines } from '../machine.ts';
import { header, line } from '../result.ts';
import { measureBatches } from './batches.ts';
import type { Bench, Measure } from './bench.ts';
import { measureCpu } from './cpu.ts';
import { measureFlush } from './flush.ts';
import { measureMemory } from './memory.ts';
import { parseOptions, type BarName } from './options.ts';
import { measureRate } from './rate.ts';
import { serverLines } from './servers.ts';
import { measureStaleness } from './staleness.ts';

const measures: readonly (readonly [BarName, Measure])[] = [
  ['cpu', measureCpu],
  ['rate', measureRate],
  ['batch', measureBatches],
  ['flush', measureFlush],
  ['staleness', measureStaleness],
  ['memory', measureMemory],
];

export async function benchOfIncrementPipeline(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args);
  if (!parsed.ok) return parsed.exitCode;
  const { options } = parsed;
  const folder = resolve(options.state);
  await rm(join(folder, 'pods'), { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  if (options.profile !== undefined) await mkdir(options.profile, { recursive: true });
  const machine = machineLines('increment', args);
  // Not by URL: a server that others use would measure them, and is not ours to stop.
  const backends = await startBackends(['postgres', 'redis'], {
    stateDir: join(folder, 'backends'),
    origins: ['cache', 'container'],
    env: process.env,
    fresh: true,
    log: (text) => console.error(text),
  });
  const postgres = given(backends, 'postgres');
  const owner = new Pool({ connectionString: postgres.extra.ownerUrl ?? postgres.url, max: 4 });
  // Postgres is stopped while this pool is idle; each query tells its own failure.
  owner.on('error', () => undefined);
  const log = (text: string): void => console.error(text);
  const bench = { options, folder, postgres, redis: given(backends, 'redis'), owner, log };
  try {
    console.log([...machine, ...(await serverLines(bench)), '', ...header].join('\n'));
    return (await measureAll(bench)) ? 0 : 1;
  } finally {
    await owner.end();
    await Promise.allSettled([...backends.values()].map((backend) => backend.stop()));
  }
}

function given(
  backends: ReadonlyMap<BackendName, RunningBackend>,
  name: BackendName,
): RunningBackend {
  const backend = backends.get(name);
  if (backend === undefined) throw new Error(`${name} is missing`);
  return backend;
}

/** A measurement that breaks is one line of the report; the others are still worth having. */
async function measureAll(bench: Bench): Promise<boolean> {
  let isMet = true;
  for (const [name, measure] of measures) {
    if (!bench.options.only.includes(name)) continue;
    bench.log(`${name} …`);
    try {
      for (const result of await measure(bench)) {
        console.log(line(result));
        isMet &&= result.met !== false;
      }
    } catch (error) {
      isMet = false;
      bench.log(error instanceof Error ? (error.stack ?? error.message) : String(error));
      const measured = error instanceof Error ? error.message : String(error);
      console.log(line({ what: name, measured, bar: 'can be measured', met: false }));
    }
  }
  return isMet;
}
