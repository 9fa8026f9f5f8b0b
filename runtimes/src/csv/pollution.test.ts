import { describe, expect, it } from 'vitest';
import { polluted, pollutions } from './test/pollution.ts';
import { readFile } from './test/read-file.ts';

const files = 15;
/** Some tables are so small, or so odd, that a pollution makes two readings equally good. */
const wrongMax = 1;

describe('reading polluted files', () => {
  it.each(pollutions)('reads the very cells a person reads: %s', async (kind) => {
    const wrong: number[] = [];
    const wrongDelimiter: number[] = [];
    for (let seed = 1; seed <= files; seed += 1) {
      const file = polluted(kind, seed);
      const { rows, preview: seen } = await readFile(file.bytes);
      if (JSON.stringify(rows) !== JSON.stringify(file.rows)) wrong.push(seed);
      if (seen.dialect.delimiter !== file.delimiter) wrongDelimiter.push(seed);
    }

    expect(wrong.length, `wrong cells with seeds ${wrong.join(' ')}`).toBeLessThanOrEqual(wrongMax);
    expect(
      wrongDelimiter.length,
      `wrong delimiter with seeds ${wrongDelimiter.join(' ')}`,
    ).toBeLessThanOrEqual(wrongMax);
  });
});
