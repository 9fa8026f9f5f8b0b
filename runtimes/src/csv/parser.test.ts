import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { standardDialect, type Dialect } from './dialect.ts';
import { encodeRecord } from './encode.ts';
import { encodeText } from './encoding.ts';
import { fieldBytes, fieldText, invalidEncoding, textsOf } from './field-text.ts';
import { parseChunk, type BadRecord, type ChunkCounts } from './parser.ts';
import { decodeFlag, RecordReader } from './record-reader.ts';
import { unitsOf } from './units.ts';

interface Read {
  readonly rows: string[][];
  readonly bad: BadRecord[];
  readonly lines: number[];
  readonly counts: ChunkCounts;
}

function read(
  input: string | Buffer,
  dialect: Partial<Dialect> = {},
  maxRecordBytes = 10_000,
): Read {
  const bytes = typeof input === 'string' ? Buffer.from(input) : input;
  const rows: string[][] = [];
  const bad: BadRecord[] = [];
  const lines: number[] = [];
  const chunk = { bytes, offset: 0, dialect: { ...standardDialect, ...dialect }, maxRecordBytes };
  const counts = parseChunk(chunk, {
    record: (record) => {
      rows.push(textsOf(record));
      lines.push(record.line);
    },
    bad: (record) => bad.push(record),
  });
  return { rows, bad, lines, counts };
}

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

  it('takes a quote inside an unquoted field literally', () => {
    expect(read('5" pipe,a"b"c,d"\n').rows).toEqual([['5" pipe', 'a"b"c', 'd"']]);
  });

  it('keeps stray quotes inside a quoted field that closes on its line', () => {
    expect(read('"He said "hi" there",2\n').rows).toEqual([['He said "hi" there', '2']]);
  });

  it('takes a field literally whose quote does not close before other text', () => {
    expect(read('"Bob" Smith,"a,"b",c\n').rows).toEqual([['"Bob" Smith', '"a', 'b', 'c']]);
    expect(read('x,"Bob" Smith\ny,z\n').rows).toEqual([
      ['x', '"Bob" Smith'],
      ['y', 'z'],
    ]);
  });

  it('lets quotes hold delimiters in a field that goes on after them', () => {
    expect(read('1,"Hello," she said,x\n2,"a,b"c,y\n').rows).toEqual([
      ['1', '"Hello," she said', 'x'],
      ['2', '"a,b"c', 'y'],
    ]);
  });

  it('closes a field at a doubled quote that ends it, if nothing else does', () => {
    expect(read('"a"",b\n1,"c""\n""d"",e\n').rows).toEqual([
      ['a"', 'b'],
      ['1', 'c"'],
      ['"d"', 'e'],
    ]);
  });

  it('closes a field at the delimiter before the next quote, if its line quotes by habit', () => {
    const { rows } = read('"1","it ""is,"c"\n2,"a,"b"\n"x,y","a,"b"\n');
    expect(rows).toEqual([
      ['1', 'it "is', 'c'],
      ['2', '"a', 'b'],
      ['x,y', '"a', 'b'],
    ]);
  });

  it('takes a doubled quote between delimiters for an empty field when another is open', () => {
    const { rows, bad } = read('1,"a,"",b\n2,x,"",c\n');
    expect(bad.map(({ line }) => line)).toEqual([1]);
    expect(rows).toEqual([['2', 'x', '', 'c']]);
  });

  it('opens a field after the spaces of a padded delimiter', () => {
    const { rows } = read('1, "open, "x"\n2, "two\nlines", "y"\n', { padded: true });
    expect(rows).toEqual([
      ['1', '"open', 'x'],
      ['2', 'two\nlines', 'y'],
    ]);
  });

  it('keeps a stray quote in a field of several lines', () => {
    expect(read('x,"one "two" three\nfour\nfive"\ny,z\n').rows).toEqual([
      ['x', 'one "two" three\nfour\nfive'],
      ['y', 'z'],
    ]);
  });

  it('allows spaces around quotes', () => {
    expect(read('1, "a, b" ,"c"\t\n').rows).toEqual([['1', 'a, b', 'c']]);
  });

  it('rejects the first line of a quote that never closes and reads on after it', () => {
    const { rows, bad, lines } = read('1,"abc\n2,x\n3,"y"\n');
    expect(bad).toEqual([{ offset: 0, line: 1, start: 0, end: 6, reason: 'UnclosedQuote' }]);
    expect(rows).toEqual([
      ['2', 'x'],
      ['3', 'y'],
    ]);
    expect(lines).toEqual([2, 3]);
  });

  it('abandons a quote at the record limit even if it would close later', () => {
    const { rows, bad } = read(`1,"abc\n${'x\n'.repeat(50)}"\n`, {}, 20);
    expect(bad.map(({ reason }) => reason)).toEqual(['UnclosedQuote', 'UnclosedQuote']);
    expect(rows).toHaveLength(50);
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

  it('undoes backslash escapes of quote, backslash and delimiter, and leaves others alone', () => {
    const { rows } = read('"a \\"b\\" \\\\ \\n",c\\,d,C:\\x\n', { escape: 'Backslash' });
    expect(rows).toEqual([['a "b" \\ \\n', 'c,d', 'C:\\x']]);
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

/** Counts how often any byte is looked at. */
function workOf(text: string, dialect: Dialect, maxRecordBytes: number): number {
  const bytes = Buffer.from(text);
  let looks = 0;
  const counted = new Proxy(bytes, {
    get(target, key) {
      looks += 1;
      return Reflect.get(target, key, target) as unknown;
    },
  });
  const reader = new RecordReader(unitsOf(dialect).marks, { maxRecordUnits: maxRecordBytes });
  reader.bind(counted, bytes.length, true);
  for (let at = 0; at < bytes.length; at = reader.next) reader.read(at);
  return looks / bytes.length;
}

describe('adversarial input', () => {
  const attacks: Record<string, string> = {
    'quotes that open and never close': '1,"abc,d\n',
    'doubled quotes that never end': '"""a\n',
    'soft quotes': ' "a"b, "a"b',
    'lone quotes on a later line': 'x"b',
    'lone quotes on one line': '"a"b',
    'lone quotes after a line end': 'x"b"c\n',
    'escapes before line ends': '"\\"a\\\n',
    'closing quotes with text': '"a" b\n',
    'doubled quotes and delimiters': '1,"a"",b\n',
  };
  for (const [name, unit] of Object.entries(attacks)) {
    it(`looks at each byte a bounded number of times: ${name}`, () => {
      for (const escape of ['Doubled', 'Backslash', 'None'] as const) {
        const dialect = { ...standardDialect, escape };
        const tail = 'z'.repeat(4000);
        for (const maxRecordBytes of [1 << 20, 3000]) {
          expect(workOf(`"x\n${unit.repeat(3000)}${tail}`, dialect, maxRecordBytes)).toBeLessThan(
            30,
          );
        }
      }
    });
  }
});
