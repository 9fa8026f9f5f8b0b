import { describe, expect, it } from 'vitest';
import { readableDialect, type FormatSpec } from './dialect.ts';
import { sniff } from './sniff.ts';
import { dialectOf, readFile, rowsOf } from './test/read-file.ts';
import { tableCase } from './test/tables.ts';

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

const visits = `url^visits^last
https://www.example.org/a?q=x,y;z^161^2004-03-14
https://www.example.org/b^"35^2012-02-20
https://www.example.org/c^98^2008-07-05
https://www.example.org/d?q=x,y;z^116^2006-02-12
`;

const sales = `DATE,TIME,Qty,Description,Comments
5/1/14,1:00,1,"Boots, brown",
5/2/14,2:01,2,"Red ""deluxe"" hat",call first; fragile
5/3/14,3:02,3,"15"" stand","two
lines"
5/4/14,4:03,4,Plain T-shirt,ok
`;

describe('sniff on particular files', () => {
  it('cuts addresses at a mark that none of them holds, although a quote is never closed', () => {
    expect(dialectOf(visits)).toMatchObject({ delimiter: '^', header: 'Present' });
  });

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
    expect(dialectOf("id;n\n1;'t Hooft\n2;rock 'n' roll\n3;'quoted'\n4;'quoted'\n").quote).toBe(
      '"',
    );
    expect(
      dialectOf("id|n|m\n0|O'Brien|ok\n1|Lee|'quoted'\n2|'t Hooft|'quoted'\n3|Lee|x\n").quote,
    ).toBe('"');
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

  it('separates by tabs where every record has one, whatever else is in its cells', () => {
    const line = 'NR,F,TOTAL,DE\t391.0 b\t: z\n';
    expect(dialectOf(`unit,sex,age,geo\\time\t2010 \t2011 \n${line.repeat(6)}`).delimiter).toBe(
      '\t',
    );
  });

  it('separates decimals by spaces, also below a line that a comment sign begins', () => {
    const line = '-4.3345e+00 1.8729e+00 2.3719e+00 -8.3047e-01\n';
    expect(dialectOf(`# c0 c1 c2 c3\n${line.repeat(7)}`).delimiter).toBe(' ');
  });

  it('separates by colons where nearly all records agree', () => {
    const line = '#7:Ann Lee:paid:9.69:GBP:See note, please.\n';
    const text = `Order:Customer:Status:Total:Currency:Note\n${line.repeat(10)}${line.trim()}:more\n`;
    expect(dialectOf(text).delimiter).toBe(':');
  });

  it('leaves decimal commas in doubt', () => {
    const bytes = Buffer.from('403,68\n458,05\n874,10\n');
    const { ambiguous, runnerUp } = sniff(bytes, {}, { isWholeFile: true });
    expect({ ambiguous, runnerUp }).toEqual({ ambiguous: true, runnerUp: { delimiter: ';' } });
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
    const within = [Buffer.from('2;Bob'), Buffer.from('ob\n3;Ev')];
    const cut = sniff(head, {}, { isWholeFile: false, probes: within });
    expect(cut.reasons.join()).not.toContain('later in the file');
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
