import { describe, expect, it } from 'vitest';
import { checkFormat } from './format-spec.ts';
import { preview, type Preview, type PreviewOptions } from './preview.ts';

interface Read {
  readonly preview: Preview;
  readonly rows: string[][];
  readonly largestRead: number;
}

async function read(input: string | Buffer, options: Partial<PreviewOptions> = {}): Promise<Read> {
  const bytes = typeof input === 'string' ? Buffer.from(input) : input;
  const rows: string[][] = [];
  let largestRead = 0;
  const source = {
    size: bytes.length,
    read: (offset: number, length: number) => {
      largestRead = Math.max(largestRead, length);
      return Promise.resolve(bytes.subarray(offset, offset + length));
    },
  };
  const result = await preview(source, {
    format: {},
    maxRecordBytes: 1 << 20,
    onRecord: (values) => rows.push([...values]),
    ...options,
  });
  return { preview: result, rows, largestRead };
}

describe('preview', () => {
  it('counts records, rejects, comments and blank lines, with the line of each reject', async () => {
    const text = 'id,name\n1,Ann\n\n# note\n2\nid,name\n3,"open\n4,Bob\n';
    const { preview: seen, rows } = await read(text, { format: { comment: '#' } });

    expect(seen).toMatchObject({
      header: ['id', 'name'],
      records: 5,
      comments: 1,
      blank: 1,
      bytes: text.length,
      rejects: {
        total: 3,
        byReason: { Ragged: 1, RepeatedHeader: 1, UnclosedQuote: 1 },
        first: [
          { line: 5, offset: 22, reason: 'Ragged' },
          { line: 6, offset: 24, reason: 'RepeatedHeader' },
          { line: 7, offset: 32, reason: 'UnclosedQuote' },
        ],
      },
    });
    expect(rows).toEqual([['1', 'Ann'], ['2'], ['id', 'name'], ['3', '"open'], ['4', 'Bob']]);
  });

  it('guesses the narrowest type of each column over all rows', async () => {
    const header = 'a,b,c,d,e,f,g,h,i\n';
    const uuid = '0b6f5a3e-0f0c-4a52-9df5-3f7d6d4c2b1a';
    const text = `${header}1,1,1.5,true,2024-01-31,2024-01-31,${uuid},"{""x"":1}",x
2,3000000000,2,false,2024-02-01,2024-01-31T10:00:00Z,${uuid},[],007
,,,,,,,,`;
    const { preview: seen } = await read(text);

    expect(seen.columns.map(({ type }) => type)).toEqual([
      'integer',
      'bigint',
      'decimal',
      'boolean',
      'date',
      'timestamp',
      'uuid',
      'json',
      'text',
    ]);
    expect(seen.columns.map(({ empty }) => empty)).toEqual(Array(9).fill(1));
  });

  it('reads a large file in pieces and says the same as about its parts', async () => {
    const line = `1,"two\nlines",${'x'.repeat(240)}\n`;
    const count = 20_000;
    const { preview: seen, largestRead } = await read(`n,t,u\n${line.repeat(count)}`);

    expect(seen).toMatchObject({ records: count, rejects: { total: 0 } });
    expect(largestRead).toBeLessThanOrEqual(4 << 20);
  });

  it('numbers the lines of rejects through all pieces', async () => {
    const good = `1,${'two '.repeat(50)}\n`.repeat(10_000);
    const { preview: seen } = await read(`n,t\n${good}bad\n${good}`);

    expect(seen.rejects.first).toEqual([
      { line: 10_002, offset: 4 + good.length, reason: 'Ragged' },
    ]);
  });

  it('rejects a record that is too long, and shows it still', async () => {
    const long = 'x'.repeat(3 << 20);
    const { preview: seen, rows } = await read(`a,b\n1,${long}\n2,y\n`);

    expect(seen.rejects.byReason).toEqual({ RecordTooLong: 1 });
    expect(rows.map((row) => row.map((value) => value.length))).toEqual([
      [1, 3 << 20],
      [1, 1],
    ]);
  });

  it('rejects fields that are no UTF-8 in a UTF-8 file', async () => {
    const text = Buffer.concat([Buffer.from('n,v\né,1\n'), Buffer.from([0xe9, 0x2c, 0x32, 0x0a])]);
    const { preview: seen, rows } = await read(text, { format: { encoding: 'UTF-8' } });

    expect(seen.rejects.byReason).toEqual({ InvalidEncoding: 1 });
    expect(rows[1]).toEqual(['é', '2']);
  });
});

describe('checkFormat', () => {
  it.each([
    [{ quote: 'x' }, /^format\.quote: "x" is not allowed; use "Auto" or/],
    [{ delimiter: ';;' }, /^format\.delimiter: ";;" is not allowed; use "Auto" or "Spaces" or/],
    [{ delimiter: '\n' }, /^format\.delimiter/],
    [{ delimiter: '\ud83d' }, /^format\.delimiter/],
    [{ preambleLines: 1001 }, /^format\.preambleLines: 1001 is not allowed; use a whole number/],
    [{ preambleLines: '3' }, /^format\.preambleLines/],
    [{ header: true }, /^format\.header: true is not allowed; use "Auto" or "Present"/],
    [{ encoding: 'UTF-16' }, /^format\.encoding/],
    [{ separator: ',' }, /^format\.separator: unknown field; the fields are header, delimiter/],
    [{ delimiter: '"', quote: '"' }, /^format\.delimiter: is the same/],
    [{ comment: ';', delimiter: ';' }, /^format\.comment/],
    [[], /^format: must be a JSON object/],
  ])('refuses %j and names the field', (input, message) => {
    const checked = checkFormat(input);
    expect(checked.ok ? '' : checked.reason).toMatch(message);
  });

  it.each([
    { header: 'Absent', delimiter: '\t', quote: 'None', escape: 'Auto', comment: '#' },
    { delimiter: 'Spaces', encoding: 'UTF-16LE', preambleLines: 0 },
    { delimiter: '¦', encoding: 'UTF-16BE', comment: '§', preambleLines: 1000 },
  ])('accepts %j', (format) => {
    expect(checkFormat(format)).toEqual({ ok: true, value: format });
  });
});
