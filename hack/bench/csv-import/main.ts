/**
 * `npm run bench -- csv-import`: for each bar, pairs of baseline and import on the same rows, in turn
 * on the same server, with tables dropped and a checkpoint between. See README.md.
 */
import { mkdir, rm } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { startBackends } from '../../backends/resolve.ts';
import { openBaseline } from './baseline.ts';
import { bars, type Bar } from './bars.ts';
import type { Bench } from './bench.ts';
import { writeData, type DataFile } from './data.ts';
import { runImport } from './import-run.ts';
import { measureMemory } from './memory.ts';
import { parseOptions } from './options.ts';
import {
  barHeader,
  barLine,
  machineLines,
  mebibytes,
  ratioOf,
  type BarResult,
  type Machine,
  type Pair,
} from './report.ts';
import { writeProgram } from '../program.ts';
import { measureScale } from './scale.ts';
import { measureSealed, sealingKeys } from './sealed.ts';
import { importTable, plainTable, Tables } from './tables.ts';

export async function benchOfCsvImport(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args);
  if (!parsed.ok) return parsed.exitCode;
  const { options } = parsed;
  const folder = resolve(options.state);
  await mkdir(folder, { recursive: true });
  if (options.profile !== undefined) await mkdir(options.profile, { recursive: true });
  const load = loadavg()[0] ?? 0;
  // Not by URL: a server that others use would measure them, and is not ours to checkpoint.
  const backends = await startBackends(['postgres', 'rabbitmq'], {
    stateDir: join(folder, 'backends'),
    origins: ['cache', 'container'],
    env: process.env,
    fresh: true,
    log: (line) => console.error(line),
  });
  try {
    const postgres = backends.get('postgres');
    const rabbitmq = backends.get('rabbitmq');
    if (postgres === undefined || rabbitmq === undefined) throw new Error('a backend is missing');
    const ownerUrl = postgres.extra.ownerUrl ?? postgres.url;
    const urls = {
      POSTGRES_URL: postgres.url,
      POSTGRES_OWNER_URL: ownerUrl,
      RABBITMQ_URL: rabbitmq.url,
      SEALING_KEYS: sealingKeys(),
    };
    await using tables = await Tables.open(postgres);
    const program = await writeProgram(join(folder, 'program'));
    const baseline = openBaseline(ownerUrl);
    const profile = options.profile === undefined ? {} : { profile: resolve(options.profile) };
    const bench: Bench = {
      options,
      folder,
      tables,
      baseline,
      load: ({ path: file }, workers, sealed = []) =>
        runImport({ folder, file, workers, backends: urls, sealed, program, ...profile }),
    };
    console.log(machineLines(await describeMachine(bench, { args, load })).join('\n'));
    return await measureAsked(bench);
  } finally {
    await Promise.allSettled([...backends.values()].map((backend) => backend.stop()));
  }
}

/** The exit code: 1 when a bar is missed. */
async function measureAsked(bench: Bench): Promise<number> {
  const { options } = bench;
  if (options.sealed === true) return (await measureSealed(bench)) ? 0 : 1;
  if (options.scale.length > 0) {
    await measureScale(bench);
    return 0;
  }
  const results = await measureBars(bench);
  if (options.memory.length > 0) await measureMemory(bench);
  return results.every((result) => ratioOf(result).median >= result.bar.least) ? 0 : 1;
}

async function describeMachine(
  { tables, baseline }: Bench,
  { args, load }: { readonly args: readonly string[]; readonly load: number },
): Promise<Machine> {
  return {
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    command: ['npm run bench -- csv-import', ...args].join(' '),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    node: process.version,
    postgres: await tables.version(),
    settings: await tables.settings(),
    tool: baseline.tool,
    load,
  };
}

async function measureBars(bench: Bench): Promise<readonly BarResult[]> {
  const { options, folder } = bench;
  const results: BarResult[] = [];
  if (options.runs > 0) console.log(`\n${barHeader.join('\n')}`);
  for (const bar of bars.filter(({ name }) => options.only.includes(name))) {
    const data = await writeData(join(folder, 'rows.csv'), {
      rows: options.rows ?? bar.rows,
      duplicates: bar.duplicates,
    });
    for (const workers of options.workers) {
      const result = {
        bar,
        data,
        workers,
        pairs: await measurePairs(bench, bar, { data, workers }),
      };
      console.log(barLine(result));
      results.push(result);
    }
    await rm(data.path);
  }
  return results;
}

async function measurePairs(
  bench: Bench,
  bar: Bar,
  load: { readonly data: DataFile; readonly workers: number },
): Promise<readonly Pair[]> {
  const pairs: Pair[] = [];
  for (let run = 0; run < bench.options.runs; run += 1) {
    const pair = await measurePair(bench, bar, load);
    pairs.push(pair);
    const { baselineSeconds, result } = pair;
    const worker = result.workers.map(
      ({ cpuSeconds, peakBytes }) => `${cpuSeconds.toFixed(1)} s CPU, ${mebibytes(peakBytes)}`,
    );
    console.error(
      `${bar.name}, ${String(load.workers)} workers, run ${String(run + 1)}: baseline ${baselineSeconds.toFixed(2)} s, import ${result.seconds.toFixed(2)} s of ${result.wallSeconds.toFixed(2)} s, ratio ${(baselineSeconds / result.seconds).toFixed(2)}; ${JSON.stringify(result.paths)}; workers: ${worker.join('; ')}; load ${(loadavg()[0] ?? 0).toFixed(1)}`,
    );
  }
  return pairs;
}

async function measurePair(
  bench: Bench,
  bar: Bar,
  { data, workers }: { readonly data: DataFile; readonly workers: number },
): Promise<Pair> {
  const { tables, baseline } = bench;
  await tables.dropAll();
  await tables.prepare(plainTable, bar, data.rows);
  if (bar.baseline === 'staging') await tables.prepareStaging();
  await tables.checkpoint();
  const baselineSeconds = await baseline.load(bar, data.path);
  const wanted = await tables.fingerprint(plainTable);
  await tables.dropAll();
  await tables.prepare(importTable, bar, data.rows);
  await tables.checkpoint();
  const result = await bench.load(data, workers);
  // A faster load of other rows would be no comparison.
  if ((await tables.fingerprint(importTable)) !== wanted) {
    throw new Error(`${bar.name}: the import and the baseline left different rows`);
  }
  return { baselineSeconds, result };
}
