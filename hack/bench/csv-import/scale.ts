/**
 * The same import with one worker, two, and so on, until more of them load no more: where the server's
 * knee is, and what the workers and the coordinator made of it.
 *
 * What commits took, and which share of their time workers worked, is what the workers wrote into the
 * ledger last; the processor's time tells whether the machine or the server was the limit.
 */
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { rm } from 'node:fs/promises';
import { spreadOf, type Spread } from '../statistics.ts';
import { bars } from './bars.ts';
import type { Bench } from './bench.ts';
import { writeData, type DataFile } from './data.ts';
import type { ImportResult } from './import-run.ts';
import { importTable, type CrewFigures } from './tables.ts';

export interface ScaleResult {
  readonly workers: number;
  readonly rows: number;
  readonly runs: readonly (ImportResult & { readonly crew: CrewFigures; readonly load: number })[];
}

/** More workers are worth it while they load this much more. */
const worthwhile = 1.1;

export async function measureScale(bench: Bench): Promise<void> {
  const { options, folder } = bench;
  const bar = bars.find(({ name }) => name === options.only[0]);
  if (bar === undefined) return;
  const rows = options.rows ?? bar.rows;
  const data = await writeData(join(folder, 'rows.csv'), { rows, duplicates: bar.duplicates });
  console.log(`\n${scaleHeader(bar.title).join('\n')}`);
  const results: ScaleResult[] = [];
  for (const workers of options.scale) {
    const runs = [];
    for (let run = 0; run < options.runs; run += 1) {
      runs.push({ ...(await loadOnce(bench, data, workers)), load: loadavg()[0] ?? 0 });
    }
    const result = { workers, rows, runs };
    results.push(result);
    console.log(scaleLine(result, results[0] ?? result));
  }
  console.log(`\n${kneeLine(results)}`);
  await rm(data.path);
}

async function loadOnce(
  bench: Bench,
  data: DataFile,
  workers: number,
): Promise<ImportResult & { readonly crew: CrewFigures }> {
  const { tables, options } = bench;
  const bar = bars.find(({ name }) => name === options.only[0]) ?? bars[0];
  if (bar === undefined) throw new Error('there is no bar');
  await tables.dropAll();
  await tables.prepare(importTable, bar, data.rows);
  await tables.checkpoint();
  const result = await bench.load(data, workers);
  return { ...result, crew: await tables.lastCrew() };
}

export function scaleHeader(title: string): readonly string[] {
  return [
    `Workers on one server, ${title}:`,
    '',
    '| workers | import s | rows/s | of one worker | commit ms | usual ms | share of time worked | CPU s of workers | load |',
    '|---|---|---|---|---|---|---|---|---|',
  ];
}

export function scaleLine(result: ScaleResult, first: ScaleResult): string {
  const { workers, rows, runs } = result;
  const over = (of: (run: ScaleResult['runs'][number]) => number): Spread => spreadOf(runs.map(of));
  const seconds = over((run) => run.seconds);
  const cpu = over((run) => run.workers.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0));
  const cells = [
    String(workers),
    `${seconds.median.toFixed(2)} (${seconds.min.toFixed(2)}–${seconds.max.toFixed(2)})`,
    Math.round(rows / seconds.median).toLocaleString('en-US'),
    `${(rateOf(result) / rateOf(first)).toFixed(2)} ×`,
    over((run) => run.crew.commitMs).median.toFixed(0),
    over((run) => run.crew.usualMs).median.toFixed(0),
    `${(100 * over((run) => run.crew.share).median).toFixed(0)} %`,
    cpu.median.toFixed(1),
    over((run) => run.load).median.toFixed(1),
  ];
  return `| ${cells.join(' | ')} |`;
}

function rateOf({ rows, runs }: ScaleResult): number {
  return rows / spreadOf(runs.map(({ seconds }) => seconds)).median;
}

/** The last number of workers that was still worth adding. */
export function kneeOf(results: readonly ScaleResult[]): number | undefined {
  const [first, ...more] = results;
  if (first === undefined) return undefined;
  let knee = first;
  for (const next of more) {
    if (rateOf(next) < worthwhile * rateOf(knee)) return knee.workers;
    knee = next;
  }
  return knee.workers;
}

function kneeLine(results: readonly ScaleResult[]): string {
  const gain = Math.round(100 * (worthwhile - 1));
  return `Knee: ${String(kneeOf(results))} workers; the next loads less than ${String(gain)} % more.`;
}
