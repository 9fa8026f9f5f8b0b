import { describe, expect, it } from 'vitest';
import { preview, type Preview } from './preview.ts';
import { polluted, pollutions, type Polluted } from './test/pollution.ts';

interface Read {
  readonly preview: Preview;
  readonly rows: readonly (readonly string[])[];
}

async function read({ bytes }: Polluted): Promise<Read> {
  const rows: (readonly string[])[] = [];
  const source = {
    size: bytes.length,
    read: (offset: number, length: number) =>
      Promise.resolve(bytes.subarray(offset, offset + length)),
  };
  const seen = await preview(source, {
    format: {},
    maxRecordBytes: 1 << 20,
    onHeader: (names) => names !== null && rows.push(names),
    onRecord: (values) => rows.push([...values]),
  });
  return { preview: seen, rows };
}

const files = 40;
/** Some tables are so small, or so odd, that a pollution makes two readings equally good. */
const wrongMax = 2;

describe('reading polluted files', () => {
  it.each(pollutions)('reads the very cells a person reads: %s', async (kind) => {
    const wrong: number[] = [];
    const wrongDelimiter: number[] = [];
    for (let seed = 1; seed <= files; seed += 1) {
      const file = polluted(kind, seed);
      const { rows, preview: seen } = await read(file);
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
