import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { writeInput } from './input.ts';
import { Random } from '../../load/random.ts';

const deadly = /CRASH|LEAVE/;

describe('the file of a chaos run', () => {
  it('holds what its counts say, by the word of another parser', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-input-'));
    const file = join(folder, 'a.csv');

    const expected = await writeInput(file, { megabytes: 1, isDeadly: true }, new Random(4));
    const text = await readFile(file, 'utf8');
    await rm(folder, { recursive: true });

    const records: string[][] = parse(text, {
      comment: '#',
      relax_column_count: true,
      skip_empty_lines: true,
      from: 2,
    });
    const good = records.filter(
      (cells) =>
        cells.length === 7 &&
        /^\d+$/.test(cells[0] ?? '') &&
        cells[4] !== 'much' &&
        !deadly.test(cells[2] ?? ''),
    );
    const last = new Map(good.map((cells) => [cells[0], Number(cells[1])]));
    expect(records).toHaveLength(expected.read);
    expect(records.length - good.length).toBe(expected.rejected);
    expect(last.size).toBe(expected.loaded);
    expect([...last.values()].reduce((sum, serial) => sum + serial, 0)).toBe(expected.lastSum);
    expect(Buffer.byteLength(text)).toBe(expected.bytes);
    expect(
      Math.min(expected.superseded, expected.rejected, expected.blank, expected.comments),
    ).toBeGreaterThan(0);
  });
});
