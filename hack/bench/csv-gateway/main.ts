/**
 * `npm run bench -- csv-gateway`: single rows that are in the cache, and pages and filters of a large
 * table, each at a constant rate. See README.md.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { startBackends } from '../../backends/resolve.ts';
import { machineLines } from '../machine.ts';
import { header, line, type Result } from '../result.ts';
import { spreadOf, spreadText } from '../statistics.ts';
import { hotRows, loadsOf, runLoad, type Load, type LoadResult } from './loads.ts';
import { parseOptions } from './options.ts';
import { fillTable, loopback, openScene, table, type Scene } from './scene.ts';

const mebibyte = 1_048_576;
/** Of the gateway's memory, from the first repetition to the last. */
const growthMax = 1.25;

export async function benchOfCsvGateway(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args);
  if (!parsed.ok) return parsed.exitCode;
  const { options } = parsed;
  const folder = resolve(options.state);
  await rm(join(folder, 'pods'), { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const machine = machineLines('csv-gateway', args);
  const log = (text: string): void => console.error(text);
  // Not by URL: a server that others use would measure them.
  const backends = await startBackends(['postgres', 'redis'], {
    stateDir: join(folder, 'backends'),
    origins: ['cache', 'container'],
    env: process.env,
    fresh: true,
    log,
  });
  try {
    const [postgres, redis] = [backends.get('postgres'), backends.get('redis')];
    if (postgres === undefined || redis === undefined) throw new Error('a backend is missing');
    log(`filling a table of ${String(options.rows)} rows …`);
    await fillTable(postgres, options.rows);
    await using scene = await openScene({ options, folder, postgres, redis });
    console.log([...machine, '', ...header].join('\n'));
    const results = await measure(scene, options, log);
    for (const result of results) console.log(line(result));
    return results.every(({ met }) => met !== false) ? 0 : 1;
  } finally {
    await Promise.allSettled([...backends.values()].map((backend) => backend.stop()));
  }
}

async function measure(
  scene: Scene,
  options: { readonly runs: number; readonly seconds: number; readonly rows: number },
  log: (text: string) => void,
): Promise<readonly Result[]> {
  await warmUp(scene, options.rows);
  const cursorAt = await cursors(scene);
  const results: Result[] = [];
  for (const load of loadsOf(options.rows, cursorAt)) {
    const runs: LoadResult[] = [];
    const memory: number[] = [];
    for (let run = 1; run <= options.runs; run += 1) {
      log(`${load.name}, run ${String(run)} …`);
      runs.push(await runLoad(load, { ...scene, seconds: options.seconds }));
      memory.push((await scene.gateway.usage())?.residentBytes ?? Number.NaN);
    }
    results.push(latencyResult(load, runs), memoryResult(load, memory));
  }
  return results;
}

/** Each hot row once, and with that the code once. */
async function warmUp({ port }: Scene, rows: number): Promise<void> {
  for (let id = 1; id <= Math.min(hotRows, rows); id += 1) {
    const answer = await fetch(`http://${loopback}:${String(port)}/${table}/${String(id)}`);
    if (answer.status !== 200) throw new Error(`a row is answered ${String(answer.status)}`);
    await answer.arrayBuffer();
  }
}

/** Cursors anywhere in the table, made after the pattern of one that the gateway gave. */
async function cursors({ port }: Scene): Promise<(id: number) => string> {
  const answer = await fetch(`http://${loopback}:${String(port)}/${table}?limit=50`);
  const { next } = (await answer.json()) as { next: string };
  const [binding] = JSON.parse(Buffer.from(next.slice(1), 'base64url').toString()) as string[];
  return (id) => `p${Buffer.from(JSON.stringify([binding, String(id)])).toString('base64url')}`;
}

function latencyResult(load: Load, runs: readonly LoadResult[]): Result {
  const of = (figure: (run: LoadResult) => number): string =>
    spreadText(spreadOf(runs.map(figure)));
  const valid = runs.filter(({ isVoid }) => !isVoid);
  const percentile = `p${String(load.share * 100)}`;
  const failed = runs.reduce((sum, run) => sum + run.failed, 0);
  const voided = runs.length - valid.length;
  const measured = [
    `${percentile} ${of((run) => run.latencyMs)} ms`,
    `median ${of((run) => run.medianMs)} ms`,
    `CPU ${spreadText(spreadOf(runs.map((run) => run.cpuMicroseconds)), 0)} µs a request`,
    `generator late ${of((run) => run.latenessMs)} ms (p99)`,
    `${String(failed)} failed`,
    ...(voided === 0 ? [] : [`${String(voided)} of ${String(runs.length)} runs void`]),
  ].join('; ');
  const isMet = failed === 0 && spreadOf(valid.map((run) => run.latencyMs)).median < load.barMs;
  return {
    what: `${load.name}, ${String(load.requestsPerSecond)}/s`,
    measured,
    bar: `${percentile} < ${String(load.barMs)} ms`,
    // A generator that was late itself has measured nothing.
    met: valid.length === 0 ? undefined : isMet,
  };
}

function memoryResult(load: Load, memory: readonly number[]): Result {
  const [first = Number.NaN] = memory;
  const last = memory.at(-1) ?? Number.NaN;
  return {
    what: `memory after ${load.name}`,
    measured: memory.map((bytes) => `${(bytes / mebibyte).toFixed(0)} MiB`).join(', '),
    bar: `last ≤ ${String(growthMax)} × first`,
    met: last <= growthMax * first,
  };
}
