import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bars, type Bar } from './bars.ts';
import { columnNames, writeData } from './data.ts';
import { parseOptions } from './options.ts';
import { barLine, type BarResult } from './report.ts';
import { kneeOf, scaleLine, type ScaleResult } from './scale.ts';
import { spreadOf } from '../statistics.ts';

describe('the generated rows', () => {
  it('are as many as asked, of about 80 bytes, with the share of repeated keys asked for', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
    try {
      const path = join(folder, 'rows.csv');
      const data = await writeData(path, { rows: 50_000, duplicates: 0.02 });
      const [header, ...lines] = (await readFile(path, 'utf8')).trimEnd().split('\n');
      const ids = new Set(lines.map((line) => line.split(',')[0]));

      expect(header).toBe(columnNames.join());
      expect(lines).toHaveLength(50_000);
      expect(data.bytes / data.rows).toBeGreaterThan(70);
      expect(data.bytes / data.rows).toBeLessThan(90);
      expect(1 - ids.size / lines.length).toBeCloseTo(0.02, 2);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('a spread', () => {
  it('has the middle of an odd number of values and the mean of the two middles of an even one', () => {
    expect(spreadOf([9, 1, 4])).toEqual({ median: 4, min: 1, max: 9 });
    expect(spreadOf([8, 1, 4, 2]).median).toBe(3);
  });
});

describe('the command line', () => {
  it('reads lists, and takes two sizes of its own for memory', () => {
    expect(parseOptions(['--workers', '1,2,4', '--only', 'half,fresh', '--memory'])).toMatchObject({
      ok: true,
      options: { workers: [1, 2, 4], only: ['half', 'fresh'], memory: [200, 2000], runs: 5 },
    });
    expect(parseOptions(['--memory', '500,5000', '--scale'])).toMatchObject({
      options: { memory: [500, 5000], scale: [1, 2, 3, 4, 6, 8] },
    });
  });
});

describe('the knee', () => {
  const measured = (workers: number, seconds: number): ScaleResult => {
    const result = { seconds, wallSeconds: seconds, paths: {}, workers: [] };
    const crew = { commitMs: 12, usualMs: 10, share: 0.5 };
    return { workers, rows: 1_000, runs: [{ ...result, crew, load: 1 }] };
  };

  it('is the last number of workers that loaded a tenth more than the one before', () => {
    const results = [measured(1, 10), measured(2, 6), measured(4, 5.7), measured(8, 3)];

    expect(kneeOf(results)).toBe(2);
    expect(kneeOf(results.slice(0, 1))).toBe(1);
    expect(kneeOf([])).toBeUndefined();
  });

  it('is shown with what a number of workers loads against one', () => {
    expect(scaleLine(measured(2, 5), measured(1, 10))).toContain(
      '| 2 | 5.00 (5.00–5.00) | 200 | 2.00 × |',
    );
  });
});

describe('a line of the report', () => {
  it('judges the median of the ratios of pairs, not the ratio of medians', () => {
    const pair = (baselineSeconds: number, seconds: number) => ({
      baselineSeconds,
      result: { seconds, wallSeconds: seconds + 1, paths: {}, workers: [] },
    });
    const measured: BarResult = {
      bar: { ...(bars[0] as Bar), least: 0.8 },
      data: { path: 'rows.csv', rows: 1_000, bytes: 80_000 },
      workers: 1,
      pairs: [pair(1, 2), pair(10, 10), pair(20, 10)],
    };

    expect(barLine(measured)).toContain('| **1.00 (0.50–2.00)** | 0.8 | met |');
    expect(barLine({ ...measured, pairs: [pair(1, 2)] })).toContain('| missed |');
  });
});
