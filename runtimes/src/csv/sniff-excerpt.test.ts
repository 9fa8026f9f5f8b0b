import { describe, expect, it } from 'vitest';
import { sniff, type Sniffed } from './sniff.ts';

const headBytes = 1 << 20;

/** As of a file of which only the beginning is looked at. */
function sniffed(text: string): Sniffed {
  const bytes = Buffer.from(text);
  return sniff(bytes.subarray(0, headBytes), {}, { isWholeFile: bytes.length <= headBytes });
}

function pages(lines: number, count: number): string {
  const line = '<td class=""a"">lamp, chair; desk</td>\n';
  const records = Array.from({ length: count }, (_, id) => `${id},"${line.repeat(lines)}",ok\n`);
  return `id,page,state\n${records.join('')}`;
}

describe('the records that are looked at', () => {
  it.each([
    [100, 40],
    [1_000, 6],
    [3_000, 15],
    [30_000, 2],
  ])('are whole where each has %d lines', (lines, count) => {
    const { dialect, width, columnTypes } = sniffed(pages(lines, count));

    expect(dialect).toMatchObject({ delimiter: 0x2c, quote: 0x22, header: true });
    expect(width).toBe(3);
    expect(columnTypes).toHaveLength(3);
    expect(dialect.preambleLines).toBeUndefined();
  });

  it('go on after a quote that never closes', () => {
    const line = `2,${'b'.repeat(100)}\n`;
    const { dialect, reasons } = sniffed(`id,name\n1,"open\n${line.repeat(12_000)}`);

    expect(dialect).toMatchObject({ delimiter: 0x2c, quote: 0x22, header: true });
    expect(reasons.join()).toMatch(/100 % of 10\d{3} records have 2 fields/);
  });

  it('are several even where each is longer than a first look', () => {
    const names = Array.from({ length: 10_000 }, (_, column) => `column${column}`).join();
    const values = Array.from({ length: 10_000 }, (_, column) => column * 7).join();
    const { dialect, width } = sniffed(`${names}\n${`${values}\n`.repeat(3)}`);

    expect(dialect.header).toBe(true);
    expect(width).toBe(10_000);
  });
});
