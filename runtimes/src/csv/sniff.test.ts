import { describe, expect, it } from 'vitest';
import { readableDialect, type FormatSpec } from './dialect.ts';
import { sniff } from './sniff.ts';
import { readFile } from './test/read-file.ts';
import { tableCase } from './test/tables.ts';

/** What `--records` prints: the header, then every record. */
async function rowsOf(
  bytes: Buffer,
  format: FormatSpec = {},
): Promise<readonly (readonly string[])[]> {
  return (await readFile(bytes, format)).rows;
}

function dialectOf(
  text: string | Buffer,
  format: FormatSpec = {},
): ReturnType<typeof readableDialect> {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  return readableDialect(sniff(bytes, format, { isWholeFile: true }).dialect);
}

describe('sniff on generated exports', () => {
  it('reads the very cells that were written in 99 of 100 files, and the header in 98', async () => {
    const wrong: number[] = [];
    const wrongHeader: number[] = [];
    for (let seed = 0; seed < 200; seed += 1) {
      const { bytes, rows, dialect } = tableCase(seed);
      const read = await readFile(bytes);
      if (JSON.stringify(read.rows) !== JSON.stringify(rows)) wrong.push(seed);
      if (read.preview.dialect.header !== readableDialect(dialect).header) wrongHeader.push(seed);
    }
    expect(wrong.length, `seeds ${wrong.join(' ')}`).toBeLessThanOrEqual(2);
    expect(wrongHeader.length, `seeds ${wrongHeader.join(' ')}`).toBeLessThanOrEqual(4);
  });

  it('reads every file right if its dialect is given', async () => {
    for (let seed = 0; seed < 100; seed += 1) {
      const { bytes, rows, dialect } = tableCase(seed);
      const { delimiter, quote, escape, encoding, header } = readableDialect(dialect);
      const format = { delimiter, quote, escape, encoding, header } as FormatSpec;
      expect(await rowsOf(bytes, format), `seed ${seed}`).toEqual(rows);
    }
  });
});

const sales = `DATE,TIME,Qty,Description,Comments
5/1/14,1:00,1,"Boots, brown",
5/2/14,2:01,2,"Red ""deluxe"" hat",call first; fragile
5/3/14,3:02,3,"15"" stand","two
lines"
5/4/14,4:03,4,Plain T-shirt,ok
`;

describe('sniff on particular files', () => {
  it.each([
    [
      'a space',
      sales
        .replaceAll(',', ' ')
        .replaceAll('call first; fragile', '"call first"')
        .replaceAll('Plain T-shirt', '"Plain T-shirt"')
        .replaceAll('hat" call', 'hat" call'),
      ' ',
    ],
    ['a semicolon beside decimal commas', 'id;price\n1;2,50\n2;3,75\n', ';'],
    [
      'a tab beside quotes and commas in text',
      'id\tnote\n1\tsays "hi", ok\n2\t5" pipe, new\n',
      '\t',
    ],
    ['a pipe beside times', 'at|msg\n10:00|a, b\n11:30|c\n', '|'],
    ['a caret', 'a^b^c\n1^x y^2.5\n2^z^3.5\n', '^'],
    [
      'a colon in many columns',
      'root:x:0:0:root:/root:/bin/sh\nbin:x:1:1:bin:/bin:/bin/false\n',
      ':',
    ],
  ])('finds %s', (_, text, delimiter) => {
    expect(dialectOf(text).delimiter).toBe(delimiter);
  });

  it.each([
    ['of one or more', 'a  b c\n1  22.5 x\n333  4.5 y\n', 'Spaces'],
    [
      'of two or more',
      'ID   NAME       CITY\n001  Ann Lee    New York\n002  Bob        Rome\n',
      'WideSpaces',
    ],
  ])('finds runs of spaces %s', (_, text, delimiter) => {
    expect(dialectOf(text).delimiter).toBe(delimiter);
  });

  it.each(['¦', '§'])('finds %s in every encoding', (delimiter) => {
    const text = `a${delimiter}b\n1${delimiter}é\n3${delimiter}ü\n`;

    expect(dialectOf(text).delimiter).toBe(delimiter);
    expect(dialectOf(Buffer.from(text, 'latin1')).delimiter).toBe(delimiter);
    expect(dialectOf(Buffer.from(text, 'utf16le')).delimiter).toBe(delimiter);
  });

  it.each([
    ['sentences', 'It was late, and dark.\nNobody came.\nThen, at last, a knock; it was Bob.\n'],
    [
      'sentences that all have one comma',
      'It was late that night, and it was dark.\nHe stood at the old door, but nobody at all came out.\nThen he went back home, where his dog was.\n',
    ],
    ['log lines', '2024-01-01 12:00:00 INFO started\n2024-01-01 12:00:05 WARN disk, almost full\n'],
    ['names', 'name\nJohn Smith\nAl Jones\nMary Lee\n'],
    ['timestamps', 'ts\n2024-01-01 12:00:00\n2024-01-02 12:30:00\n'],
    ['decimal commas under a name', 'Preis\n1,50\n2,75\n13,20\n'],
    ['JSON', '{"a": 1, "b": 2}\n{"a": 3, "b": 4}\n{"a": 5, "b": 6}\n'],
    ['quoted commas', 'k\n"a, b"\n"c, d"\n'],
  ])('leaves %s in one column', async (_, text) => {
    for (const row of await rowsOf(Buffer.from(text))) expect(row).toHaveLength(1);
  });

  it('takes the space after every delimiter as a part of it, but not after some', async () => {
    expect(await rowsOf(Buffer.from('a, b\n1, "x, y"\n2, z\n'))).toEqual([
      ['a', 'b'],
      ['1', 'x, y'],
      ['2', 'z'],
    ]);
    expect(await rowsOf(Buffer.from('a,b\n1, x\n2,z\n'))).toContainEqual(['1', ' x']);
    expect(await rowsOf(Buffer.from('a, b\n1, x\n'), { delimiter: ',' })).toContainEqual([
      '1',
      ' x',
    ]);
  });

  it('does not take apostrophes for quotes, and single quotes for text', () => {
    expect(dialectOf("it's,that's,x\n'tis,don't,z\n").quote).toBe('"');
    expect(dialectOf("'a,b','c'\n'd','e'\n").quote).toBe("'");
    expect(dialectOf('a,b\n"x",\'1, 2\'\n"y",3\n"z",4\n').quote).toBe("'");
  });

  it('finds backslash escapes by escaped quotes and by doubled backslashes', () => {
    expect(dialectOf('a,b\n"say \\"hi\\", ok",2\n').escape).toBe('Backslash');
    expect(dialectOf('a,b\n"C:\\\\x",2\n').escape).toBe('Backslash');
    expect(dialectOf('a,b\n"C:\\dir\\",2\n"x",3\n').escape).toBe('Doubled');
    expect(dialectOf('a,b\n"\\\\\\\\host\\\\x",2\n').escape).toBe('Backslash');
    expect(dialectOf('a,b\n"\\\\host\\x",2\n').escape).toBe('Doubled');
  });

  it('keeps quotes for a file with one quote that never closes, and gives them up for many', () => {
    expect(dialectOf('id,name\n1,"open\n2,b\n3,c\n').quote).toBe('"');
    expect(dialectOf(`id\tinch\n${'1\t"5 and more\n'.repeat(9)}`).quote).toBe('None');
  });

  it('finds the encoding by the bytes, and the mark', () => {
    expect(dialectOf(Buffer.from('n;v\nJosé;1\n', 'latin1')).encoding).toBe('Windows-1252');
    expect(dialectOf('n;v\nJosé;1\n').encoding).toBe('UTF-8');
    expect(dialectOf('\ufeffn;v\n')).toMatchObject({ bom: true, encoding: 'UTF-8' });
  });

  it.each([
    ['titles', 'Report\nby Bob, Ann\n\na,b,c,d\n1,2,3,4\n5,6,7,8\n', 3, 'a'],
    ['a quoted title of two lines', '"Report,\nall"\na,b,c\n1,2,3\n4,5,6\n', 2, 'a'],
    ['padded titles', 'Report,,,,\n,,,,\na,b,c,d,e\n1,2,3,4,5\n6,7,8,9,0\n', 2, 'a'],
    [
      'a title with nearly as many commas',
      'North, south, east, west\nname,b,c,d,e\nx,2,3,4,5\ny,6,7,8,9\n',
      1,
      'name',
    ],
    [
      'names with values',
      `From;2024\nTo;x y\nBy;7.5\nAt;z\n${'k;b;c;d;e\n'}${'1;2;3;4;5\n'.repeat(5)}`,
      4,
      'k',
    ],
    ['comment signs', '# a tool\n# x, y, z\nt,u\n1,2\n3,4\n', 2, 't'],
    ['a header behind a comment sign', '# a tool\n# t,u\n1,2\n3,4\n', 1, '# t'],
    [
      'many commented lines above a few rows',
      `${'# some, text; here\n'.repeat(30)}t,u,v\n${'1,2,3\n'.repeat(9)}`,
      30,
      't',
    ],
    [
      'titles with commas above three columns',
      'R\nby A, B\nfor C\n\nn,b,c\n1,2,3\n4,5,6\n',
      4,
      'n',
    ],
    ['nothing but a header with a delimiter too many', 'a,b,c,\n1,2,3\n4,5,6\n', 0, 'a'],
    ['nothing but a header that comes again', 'id,n\n1,x\n2\nid,n\n3,"o\n4,y\n', 0, 'id'],
    ['nothing but a header below a line of it', 'a,b,c\nx\na,b,c\n1,2,3\n4,5,6\n7,8,9\n', 0, 'a'],
    ['a separator hint and a title', 'sep=;\nReport\na;b;c\n1;2;3\n4;5;6\n', 1, 'a'],
    ['nothing', 'a,b,c\n1,2,3\n', 0, 'a'],
    ['a header that lacks a field', 'a,b,c,d\n1,2,3,4,5\n6,7,8,9,0\n1,2,3,4,5\n', 0, 'a'],
    ['empty lines', '\n\na,b,c\n1,2,3\n', 0, 'a'],
    ['another table', `k,l\nA,1\nB,2\nC,3\nD,4\n\n${'1,2,3,4,5\n'.repeat(9)}`, 0, 'k'],
  ])('skips what is above the table and no more: %s', async (_, text, lines, first) => {
    expect(dialectOf(text).preambleLines).toBe(lines);
    expect((await rowsOf(Buffer.from(text)))[0]?.[0]).toBe(first);
  });

  it('keeps what is above the table if the format says so, and skips what it says', async () => {
    const text = Buffer.from('Report\nby Bob\na,b,c\n1,2,3\n4,5,6\n');

    expect(await rowsOf(text, { preambleLines: 0 })).toHaveLength(5);
    expect((await rowsOf(text, { preambleLines: 3 }))[0]).toEqual(['1', '2', '3']);
  });

  it.each([
    ['UTF-16LE', 'é;ü'],
    ['UTF-16BE', 'é;ü'],
    ['UTF-16LE', 'имя;город'],
    ['UTF-16BE', 'имя;город'],
    ['UTF-16LE', '名字字字;城市城市'],
    ['UTF-16BE', '名字字字;上海上海'],
  ])('finds %s with and without its mark: %s', (encoding, names) => {
    const little = Buffer.from(`${names}\n1;2\n3;4\n`, 'utf16le');
    const bytes = encoding === 'UTF-16LE' ? little : Buffer.from(little).swap16();
    const mark = Buffer.from(encoding === 'UTF-16LE' ? [0xff, 0xfe] : [0xfe, 0xff]);

    expect(dialectOf(bytes)).toMatchObject({ encoding, bom: false, delimiter: ';' });
    expect(dialectOf(Buffer.concat([mark, bytes]))).toMatchObject({ encoding, bom: true });
  });

  it('does not take a few NULs for UTF-16', () => {
    expect(dialectOf('a,b\nx\0,1\ny\0,2\n').encoding).toBe('UTF-8');
  });

  it('finds in pieces from later in the file what its beginning does not show', () => {
    const head = Buffer.from('id;name\n1;Ann\n2;Bob\n');
    const options = {
      isWholeFile: false,
      probes: [Buffer.from('x\n8;"a;b"\n9;Jos\xe9\n', 'latin1')],
    };
    const { dialect, reasons } = sniff(head, {}, options);

    expect(dialect.encoding).toBe('Windows-1252');
    expect(reasons.join()).toContain('later in the file: 100 % of 2 records have 2 fields');
    expect(sniff(head, {}, { isWholeFile: false }).dialect.encoding).toBe('UTF-8');
  });

  it('says what is ambiguous and how to read it otherwise, without values of the file', () => {
    const { ambiguous, runnerUp, reasons, confidence } = sniff(
      Buffer.from('secret,city,role\nAnn,Berlin,clerk\nBob,Paris,cook\nEve,Oslo,clerk\n'),
      {},
      { isWholeFile: true },
    );

    expect({ ambiguous, runnerUp }).toEqual({ ambiguous: true, runnerUp: { header: 'Absent' } });
    expect(confidence).toBeLessThan(0.9);
    expect(reasons.join()).toContain('set format.header to "Absent"');
    expect(reasons.join()).not.toMatch(/secret|Ann|Berlin/);
    expect(reasons.length).toBeLessThanOrEqual(8);
  });

  it('says where the larger of two tables begins', () => {
    const text = `k,l\nA,1\nB,2\nC,3\n\nid,n,at,of\n${'7,x,1,2\n'.repeat(9)}`;
    const found = sniff(Buffer.from(text), {}, { isWholeFile: true });

    expect(found).toMatchObject({ ambiguous: true, runnerUp: { preambleLines: 5 } });
    expect(found.dialect.preambleLines).toBeUndefined();
  });

  it('is sure of what the format fixes', () => {
    const bytes = Buffer.from('a,b\nAnn,Berlin\nBob,Paris\n');

    expect(sniff(bytes, { header: 'Present' }, { isWholeFile: true }).ambiguous).toBe(false);
  });

  it('keeps UTF-8 for a sample that ends inside a character', () => {
    const bytes = Buffer.from('n;v\né;é').subarray(0, -1);
    expect(sniff(bytes, {}, { isWholeFile: false }).dialect.encoding).toBe('UTF-8');
  });

  it.each([
    ['empty', '', []],
    ['only a mark', '\ufeff', []],
    ['only line ends', '\n\n\r\n', []],
    ['only a header', 'a,b\n', [['a', 'b']]],
    ['a header without a line end', 'a,b', [['a', 'b']]],
    ['one value', 'x', [['x']]],
    [
      'NUL bytes',
      'a,b\n\0,1\n',
      [
        ['a', 'b'],
        ['\0', '1'],
      ],
    ],
    [
      'two line ends at the end',
      'a,b\n1,2\n\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
  ])('reads a file that is %s', async (_, text, rows) => {
    expect(await rowsOf(Buffer.from(text))).toEqual(rows);
  });

  it('obeys a line that names the separator, and does not read it as a record', async () => {
    expect(await rowsOf(Buffer.from('sep=|\r\na|b\r\n1,5|2,5\r\n'))).toEqual([
      ['a', 'b'],
      ['1,5', '2,5'],
    ]);
    expect(await rowsOf(Buffer.from('\ufeffsep=;\n1;2\n3;4\n'))).toEqual([
      ['1', '2'],
      ['3', '4'],
    ]);
  });

  it.each([
    ['years', 'country,2019,2020\nDE,1,2\nFR,3,4\n', 'Present'],
    ['positions above texts and numbers', '0,1,2\n5,Bob,7\n3,Ann,8\n', 'Present'],
    ['values that count', '0,1,2\n1,Bob,3\n2,4,4\n', 'Absent'],
    ['positions above text', '0,1\nBob,x\nAnn,y\n', 'Present'],
    ['names that come again', 'id,name\n1,a\nid,name\n2,b\n', 'Present'],
    ['years with a gap', 'country,2019,,2021\nDE,1,2,5\nFR,3,4,5\n', 'Present'],
    ['years in pairs', 'R,2019,2019,2020,2020\nN,1,2,3,4\nS,2,3,4,5\n', 'Present'],
    ['rows of years', '2019,2020,2021\n2018,2019,2020\n2017,2018,2019\n', 'Absent'],
    ['years alone', 'country,2019,2020\n', 'Present'],
    ['a name twice above text that comes again', `a,a,b\n${'x,y,z\nu,v,w\n'.repeat(4)}`, 'Present'],
    [
      'a question above short answers',
      `How are you today, overall?;b\n${'ok;x\nbad;y\n'.repeat(3)}`,
      'Present',
    ],
    ['a value that holds a digit, as all do', 'chr1,a1\nchr7,b4\nchr9,c2\nchr12,d3\n', 'Absent'],
    [
      'a small table above a wide one',
      `c,l\nA,x1\nB,x2\nC,x3\nD,x4\n${'1,2,3,4\n'.repeat(9)}`,
      'Present',
    ],
    ['one cell above a narrow table', 'Report\na,b\n1,2\n3,4\n', 'Present'],
    ['two cells above a wide table', 'Report,2020\na,b,c,d,e\n1,2,3,4,5\n3,4,5,6,7\n', 'Present'],
    ['one more row of values', '1,2.5,2024-01-01\n2,3.5,2024-01-02\n', 'Absent'],
    ['a title above values', 'Report\n1,2,3\n3,4,5\n4,5,6\n', 'Absent'],
  ])('sees what the first record is: %s', (_, text, header) => {
    expect(dialectOf(text).header).toBe(header);
  });

  it('finds the delimiter of rows that all have another width', () => {
    expect(dialectOf('a,b,c\n1,2\n3,4,5,6\n7\n8,9,10\n').delimiter).toBe(',');
  });

  it('obeys every field that the format fixes', () => {
    const format = {
      header: 'Absent',
      delimiter: 'b',
      quote: "'",
      escape: 'None',
      comment: '#',
    } as const;
    expect(dialectOf('a,b\n1,2\n', { ...format, encoding: 'Windows-1252' })).toMatchObject({
      ...format,
      encoding: 'Windows-1252',
    });
  });

  it('loses no line of a table with a footer or ragged rows', async () => {
    const text = `Sales report\nby Bob, Ann\n\n${sales}5/5/14,5:00\nTotal,10\n`;
    const rows = await rowsOf(Buffer.from(text));
    expect(rows[0]).toEqual(['DATE', 'TIME', 'Qty', 'Description', 'Comments']);
    expect(rows).toHaveLength(7);
    expect(rows).toContainEqual(['5/3/14', '3:02', '3', '15" stand', 'two\nlines']);
    expect(rows.slice(-2)).toEqual([
      ['5/5/14', '5:00'],
      ['Total', '10'],
    ]);
  });
});
