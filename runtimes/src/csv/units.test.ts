import { describe, expect, it } from 'vitest';
import { standardDialect } from './dialect.ts';
import { encodeText } from './encoding.ts';
import { fieldBytes, fieldText, invalidEncoding, textsOf } from './field-text.ts';
import { parseChunk } from './parser.ts';
import { read } from './test/read.ts';
import { unitsOf } from './units.ts';

describe('characters that are not one byte', () => {
  it('decodes Windows-1252, its printable control range included', () => {
    const { rows } = read(Buffer.from([0x80, 0x2c, 0xe9, 0x22, 0x0a]), {
      encoding: 'Windows-1252',
    });
    expect(rows).toEqual([['€', 'é"']]);
  });

  it.each(['UTF-16LE', 'UTF-16BE'] as const)('keeps the places of %s in the file', (encoding) => {
    const lines = ['é,"a ""b"",\n💥"', '', '¦,"open', ',"c"'];
    const written = lines.map((line) => encodeText(`${line}\r\n`, encoding) ?? Buffer.alloc(0));
    const bytes = Buffer.concat(written);
    const seen: unknown[] = [];
    const dialect = { ...standardDialect, encoding };
    const raw = ({ start, end }: { start: number; end: number }): unknown =>
      lines.findIndex((line) => encodeText(line, encoding)?.equals(bytes.subarray(start, end)));
    const counts = parseChunk(
      { bytes, offset: 1000, dialect, maxRecordBytes: 200 },
      {
        record: (record) => seen.push([record.offset, record.line, raw(record), textsOf(record)]),
        bad: (bad) => seen.push([bad.offset, bad.line, raw(bad), bad.reason]),
      },
    );

    const offsets = written.map((_, index) => 1000 + Buffer.concat(written.slice(0, index)).length);
    expect(seen).toEqual([
      [offsets[0], 1, 0, ['é', 'a "b",\n💥']],
      [offsets[2], 4, 2, 'UnclosedQuote'],
      [offsets[3], 5, 3, ['', 'c']],
    ]);
    expect(counts).toMatchObject({ blank: 1, lines: 5 });
  });

  it('tells half a character of UTF-16 apart from any value, and only in its own field', () => {
    const bytes = Buffer.from('ok,\ud83d,\ude00\ud83d,💥\n', 'utf16le');
    const dialect = { ...standardDialect, encoding: 'UTF-16LE' as const };
    const seen: unknown[] = [];
    parseChunk(
      { bytes, offset: 0, dialect, maxRecordBytes: 100 },
      {
        record: (record) => {
          const target = { out: Buffer.alloc(30), at: 0 };
          for (let index = 0; index < 4; index += 1) {
            seen.push([fieldText(record, index), fieldBytes(record, index, target)]);
          }
          seen.push(textsOf(record)[2]);
        },
        bad: () => undefined,
      },
    );
    expect(seen).toEqual([
      ['ok', 2],
      [undefined, invalidEncoding],
      [undefined, invalidEncoding],
      ['💥', 4],
      '\ufffd\ufffd',
    ]);
  });

  it('rejects the last record of a UTF-16 file that ends within a character', () => {
    const bytes = Buffer.concat([Buffer.from('a,b\nc,d', 'utf16le'), Buffer.from([0x0a])]);
    const { rows, bad } = read(bytes, { encoding: 'UTF-16LE' });
    expect(rows).toEqual([['a', 'b']]);
    expect(bad).toEqual([{ offset: 8, line: 2, start: 8, end: 15, reason: 'InvalidEncoding' }]);
  });

  it('separates by runs of spaces and passes over those at the ends of a line', () => {
    const text = '   id name      \n  1  "Ann  Lee"  "" \n 10 Bob\n    \n""  x\n';
    const { rows, counts } = read(text, { delimiter: 0x20, spacesMin: 1 });
    expect(rows).toEqual([
      ['id', 'name'],
      ['1', 'Ann  Lee', ''],
      ['10', 'Bob'],
      ['', 'x'],
    ]);
    expect(counts).toMatchObject({ blank: 1, lines: 5 });
  });

  it.each(['UTF-8', 'UTF-16BE'] as const)(
    'keeps single spaces where wide ones separate in %s',
    (encoding) => {
      const text = ' Full name     Paid on\nAnn Lee  "a  b"   2024\nÿ þ      x\n';
      const bytes = encodeText(text, encoding) ?? Buffer.alloc(0);
      const { rows } = read(bytes, { delimiter: 0x20, spacesMin: 2, encoding });
      expect(rows).toEqual([
        ['Full name', 'Paid on'],
        ['Ann Lee', 'a  b', '2024'],
        ['ÿ þ', 'x'],
      ]);
    },
  );

  it('leaves a backslash before one of two spaces alone, and the spaces too', () => {
    const dialect = { delimiter: 0x20, spacesMin: 2, escape: 'Backslash' } as const;
    const { rows } = read('a\\ b\\\\c\\  d\n', dialect);
    expect(rows).toEqual([['a\\ b\\c\\', 'd']]);
  });

  it('separates by a character of several bytes, and copies the file for nothing else', () => {
    const text = '§ note\né¦"a¦b"¦c\\¦d\n';
    const dialect = { delimiter: 0xa6, comment: 0xa7, escape: 'Backslash' as const };
    const { rows, counts } = read(text, dialect);
    expect(rows).toEqual([['é', 'a¦b', 'c¦d']]);
    expect(counts).toMatchObject({ comments: 1 });
    const bytes = Buffer.from(text);
    expect(unitsOf(standardDialect).of(bytes)).toBe(bytes);
  });
});
