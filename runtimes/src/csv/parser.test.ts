import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { standardDialect } from './dialect.ts';
import { encodeRecord } from './encode.ts';
import { fieldBytes, fieldText, invalidEncoding } from './field-text.ts';
import { parseChunk } from './parser.ts';
import { decodeFlag } from './record-reader.ts';
import { splitLine } from './split-line.ts';
import { read } from './test/read.ts';

const encodings = ['UTF-8', 'Windows-1252', 'UTF-16LE', 'UTF-16BE'] as const;

const soup = fc
  .array(fc.constantFrom('"', '"', '""', ',', ',', '\n', '\r\n', ' ', 'a', 'é', "'", '\\', ';'), {
    maxLength: 30,
  })
  .map((parts) => parts.join(''));

describe('parseChunk', () => {
  it('reads what csv-parse reads, wherever csv-parse accepts', () => {
    let accepted = 0;
    fc.assert(
      fc.property(soup, (text) => {
        let theirs: string[][];
        try {
          theirs = parse(text, {
            relax_column_count: true,
            skip_empty_lines: true,
            record_delimiter: ['\r\n', '\n'],
          });
        } catch {
          return;
        }
        accepted += 1;
        const ours = read(text);
        expect(ours.bad).toEqual([]);
        expect(ours.rows).toEqual(theirs);
      }),
      { numRuns: 4000 },
    );
    expect(accepted).toBeGreaterThan(500);
  });

  it('reads back what was encoded, in every dialect and with every line end', () => {
    const character = fc.constantFrom(
      '"',
      "'",
      ',',
      ';',
      '\t',
      '|',
      '\\',
      '\r',
      '\n',
      ' ',
      '#',
      'a',
      'é',
      '€',
      '¦',
      '§',
      '│',
      '💥',
      '\0',
    );
    const value = fc.array(character, { maxLength: 8 }).map((parts) => parts.join(''));
    const dialect = fc.record({
      delimiter: fc.constantFrom(0x2c, 0x3b, 0x09, 0x7c, 0x20, 0x3a, 0x01, 0xa6, 0x2502, 0x1f4a5),
      quote: fc.constantFrom(0x22, 0x27, undefined),
      escape: fc.constantFrom('Doubled' as const, 'Backslash' as const, 'None' as const),
      encoding: fc.constantFrom(...encodings),
      comment: fc.constantFrom(undefined, 0x23, 0xa7),
      padded: fc.boolean(),
      spacesMin: fc.constantFrom(undefined, 1 as const, 2 as const),
    });
    const table = fc.array(fc.array(value, { minLength: 1, maxLength: 4 }), { maxLength: 4 });
    const lineEnd = fc.constantFrom('\n' as const, '\r\n' as const, '\r' as const);
    fc.assert(
      fc.property(table, dialect, lineEnd, (rows, { spacesMin, ...partial }, end) => {
        const isRun = spacesMin !== undefined && partial.delimiter === 0x20;
        const full = { ...standardDialect, ...partial, ...(isRun ? { spacesMin } : {}) };
        if (full.padded && full.delimiter === 0x20) return;
        const encoded: Buffer[] = [];
        const kept: string[][] = [];
        for (const row of rows) {
          try {
            encoded.push(encodeRecord(row, full, end));
            kept.push(row);
          } catch {
            // This dialect cannot hold this row, and the encoder said so.
          }
        }
        const { rows: back, bad } = read(Buffer.concat(encoded), full);
        expect(bad).toEqual([]);
        expect(back).toEqual(kept);
      }),
      { numRuns: 4000 },
    );
  });

  it('never loses a byte: records, bad ones, comments and blank lines cover the chunk', () => {
    fc.assert(
      fc.property(soup, fc.integer({ min: 1, max: 20 }), (text, maxRecordBytes) => {
        const { counts, bad, rows } = read(text, { comment: 0x3b }, maxRecordBytes);
        const ends = text.match(/\r\n|\n/g)?.length ?? 0;
        expect(counts.lines).toBe(ends + (text === '' || text.endsWith('\n') ? 0 : 1));
        expect(counts.records).toBe(rows.length);
        expect(counts.bad).toBe(bad.length);
      }),
    );
  });

  it('rejects a record that is too long and reads on after its line', () => {
    const { rows, bad } = read(`a,b\n1,${'x'.repeat(100)}\n2,c\n3,"${'y'.repeat(100)}"\n`, {}, 50);
    expect(bad.map(({ reason, line }) => [reason, line])).toEqual([
      ['RecordTooLong', 2],
      ['RecordTooLong', 4],
    ]);
    expect(rows).toEqual([
      ['a', 'b'],
      ['2', 'c'],
    ]);
  });

  it('rejects a record of more than a million fields and keeps the next', () => {
    const { rows, bad } = read(`${','.repeat(1_000_000)}\n1,2\n`, {}, 10_000_000);
    expect(bad.map(({ reason }) => reason)).toEqual(['TooManyFields']);
    expect(rows).toEqual([['1', '2']]);
    expect(splitLine(Buffer.from(','.repeat(300_000)), standardDialect)).toHaveLength(300_001);
  });

  it('ends records at LF, CRLF and CR in one file and counts their lines', () => {
    const { rows, lines, counts } = read('a\nb\r\nc\r\rd,"e\r\nf\rg"\rh');
    expect(rows).toEqual([['a'], ['b'], ['c'], ['d', 'e\r\nf\rg'], ['h']]);
    expect(lines).toEqual([1, 2, 3, 5, 8]);
    expect(counts).toMatchObject({ blank: 1, lines: 8 });
  });

  it('skips and counts comments only at the start of a line and only if asked', () => {
    const text = '# don\'t\na,#b\n"#c",d\n';
    expect(read(text, { comment: 0x23 })).toMatchObject({
      rows: [
        ['a', '#b'],
        ['#c', 'd'],
      ],
      counts: { comments: 1 },
    });
    expect(read(text).rows[0]).toEqual(["# don't"]);
  });

  it('tells invalid UTF-8 apart from any value, and only in its own field', () => {
    const bytes = Buffer.from('ok,b\xe9d,\xc3\xa9\n', 'latin1');
    const seen: unknown[] = [];
    parseChunk(
      { bytes, offset: 0, dialect: standardDialect, maxRecordBytes: 100 },
      {
        record: (record) => {
          const target = { out: Buffer.alloc(30), at: 0 };
          for (let index = 0; index < 3; index += 1) {
            seen.push([fieldText(record, index), fieldBytes(record, index, target)]);
          }
          seen.push((record.fieldFlags[0] ?? 0) & decodeFlag);
        },
        bad: () => undefined,
      },
    );
    expect(seen).toEqual([['ok', 2], [undefined, invalidEncoding], ['é', 2], 0]);
  });

  it('marks records of another width than asked', () => {
    const chunk = {
      bytes: Buffer.from('a,b\nc\n'),
      offset: 0,
      dialect: standardDialect,
      maxRecordBytes: 9,
    };
    const counts = parseChunk(
      { ...chunk, width: 2 },
      { record: () => undefined, bad: () => undefined },
    );
    expect(counts).toMatchObject({ records: 2, ragged: 1 });
  });
});
