/**
 * What the suite measures on its way, kept in a file so that it outlives the process of a test: a line
 * of JSON a figure. Nothing is judged by it; the bars stand beside the figures in the table.
 */
import { appendFile, readFile } from 'node:fs/promises';
import { figuresFile } from './folders.ts';

export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: 's' | 'MiB';
  /** Not to be reached. */
  readonly bar?: number;
}

export async function recordFigure(figure: Figure): Promise<void> {
  await appendFile(figuresFile, `${JSON.stringify(figure)}\n`);
}

export async function recordedFigures(): Promise<readonly Figure[]> {
  const text = await readFile(figuresFile, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Figure);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

/** As a Markdown table, one line a figure, medians where it was measured more than once. */
export function figuresTable(figures: readonly Figure[]): string {
  const byWhat = Map.groupBy(figures, ({ what }) => what);
  const lines = [...byWhat].map(([what, all]) => {
    const [first] = all;
    const { unit = 's', bar } = first ?? {};
    const value = median(all.map((one) => one.value));
    const shown = unit === 's' ? value.toFixed(1) : value.toFixed(0);
    const most = bar === undefined ? '' : `< ${String(bar)} ${unit}`;
    return `| ${what} | ${shown} ${unit} | ${most} | ${String(all.length)} |`;
  });
  return ['| what | median | bar | times |', '| --- | --- | --- | --- |', ...lines].join('\n');
}
