/** The results as Markdown; pure. */
import type { Bar } from './bars.ts';
import type { DataFile } from './data.ts';
import type { ImportResult } from './import-run.ts';
import { spreadOf, type Spread } from '../statistics.ts';

export interface Machine {
  readonly date: string;
  readonly command: string;
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  readonly postgres: string;
  readonly settings: string;
  readonly tool: string;
  /** Processes that wanted a core when the benchmark began; others' load makes figures worse. */
  readonly load: number;
}

export interface Pair {
  readonly baselineSeconds: number;
  readonly result: ImportResult;
}

export interface BarResult {
  readonly bar: Bar;
  readonly data: DataFile;
  readonly workers: number;
  readonly pairs: readonly Pair[];
}

export interface MemoryResult {
  readonly bar: Bar;
  readonly data: DataFile;
  readonly peakBytes: number;
}

export function machineLines(machine: Machine): readonly string[] {
  return [
    `- ${machine.date}, \`${machine.command}\``,
    `- ${String(machine.cores)} cores (${machine.cpu}), Node ${machine.node}, load before: ${machine.load.toFixed(1)}`,
    `- Postgres ${machine.postgres} (${machine.settings})`,
    `- baseline by ${machine.tool}`,
  ];
}

export const barHeader: readonly string[] = [
  '| bar | rows | workers | baseline s | import s | whole import s | import rows/s | ratio | least | |',
  '|---|---|---|---|---|---|---|---|---|---|',
];

/** Ratios are taken pair by pair, so that a slow minute of the machine is in both sides of one. */
export function ratioOf({ pairs }: BarResult): Spread {
  return spreadOf(pairs.map(({ baselineSeconds, result }) => baselineSeconds / result.seconds));
}

export function barLine(measured: BarResult): string {
  const { bar, data, workers, pairs } = measured;
  const seconds = spreadOf(pairs.map(({ result }) => result.seconds));
  const wall = spreadOf(pairs.map(({ result }) => result.wallSeconds));
  const ratio = ratioOf(measured);
  const cells = [
    bar.title,
    thousands(data.rows),
    String(workers),
    spread(spreadOf(pairs.map(({ baselineSeconds }) => baselineSeconds))),
    spread(seconds),
    spread(wall),
    thousands(Math.round(data.rows / seconds.median)),
    `**${spread(ratio)}**`,
    bar.least.toFixed(1),
    ratio.median >= bar.least ? 'met' : 'missed',
  ];
  return `| ${cells.join(' | ')} |`;
}

export const memoryHeader: readonly string[] = [
  '| bar | file | rows | peak of one worker | of the smaller |',
  '|---|---|---|---|---|',
];

export function memoryLine(result: MemoryResult, smallest: MemoryResult): string {
  const ratio = (result.peakBytes / smallest.peakBytes).toFixed(2);
  const cells = [
    result.bar.title,
    megabytes(result.data.bytes),
    thousands(result.data.rows),
    mebibytes(result.peakBytes),
    ratio,
  ];
  return `| ${cells.join(' | ')} |`;
}

function spread({ median, min, max }: Spread): string {
  return `${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`;
}

function thousands(value: number): string {
  return value.toLocaleString('en-US');
}

function megabytes(bytes: number): string {
  return `${thousands(Math.round(bytes / 1e6))} MB`;
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(0)} MiB`;
}
