import { describe, expect, it } from 'vitest';
import { standardDialect, type Dialect } from './dialect.ts';
import { RecordReader } from './record-reader.ts';
import { read } from './test/read.ts';
import { unitsOf } from './units.ts';

describe('quoted fields', () => {
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

  it('undoes backslash escapes of quote, backslash and delimiter, and leaves others alone', () => {
    const { rows } = read('"a \\"b\\" \\\\ \\n",c\\,d,C:\\x\n', { escape: 'Backslash' });
    expect(rows).toEqual([['a "b" \\ \\n', 'c,d', 'C:\\x']]);
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
        const tail = 'z'.repeat(700);
        for (const maxRecordBytes of [1 << 20, 500]) {
          expect(workOf(`"x\n${unit.repeat(500)}${tail}`, dialect, maxRecordBytes)).toBeLessThan(
            30,
          );
        }
      }
    });
  }
});
