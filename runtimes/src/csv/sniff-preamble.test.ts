import { describe, expect, it } from 'vitest';
import { sniff } from './sniff.ts';
import { dialectOf, rowsOf } from './test/read-file.ts';

describe('what is above the table', () => {
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
    [
      'titles as wide as the table, more of them than records would be sparse',
      `T;;\nfor: x;;\nby: y;;\n;;\nn;b;c\n${'Jun;2;3\n'.repeat(9)}`,
      4,
      'n',
    ],
    [
      'such titles above values alone',
      `T;;\nU;;\nV;;\n;;\n${'1;x;2024-01-02\n'.repeat(9)}`,
      4,
      '1',
    ],
    [
      'nothing but rows that begin alike',
      `1950,,\n1951,,\n1952,,\n${'1953,x,y\n'.repeat(9)}`,
      0,
      '1950',
    ],
    [
      'a summary, an empty line',
      'Name,,Sum\nOpening balance,,1.5\nTotal credits,,20\nTotal debits,,-3\n\n' +
        `at,name,sum,left\n${'2024-01-02,x,1,2\n'.repeat(6)}`,
      5,
      'at',
    ],
    [
      'lines nearly as wide, an empty line',
      `No  ;1X\nKept in ;euros\nOn ;1/2/2024\nLeft over;72,3\n\nat;name;sum\n${'1/2/2024;x;1,5\n'.repeat(6)}`,
      5,
      'at',
    ],
    [
      'names with values above two columns of figures',
      `Model,M4\nFirmware,1.2.3\nKind,analog\nSample interval,1e-06\nTIME,CH1\n${'-1.0e-04,7.3e-01\n'.repeat(6)}`,
      4,
      'TIME',
    ],
    [
      'nothing but names wider than most rows',
      'id;n;a;b;c\n0;Ann;8.9\n1;Bob;5.2\n2;Eve;1.4\n3;Jim;;4;3\n',
      0,
      'id',
    ],
    [
      'several lines between empty ones',
      `Got on 1/2/2024;\n\nMs Lee;\n\nCard 12;\nLeft 86,12;\n\nat;name;out;in;\n${'1/2/2024;x;1,5;;\n'.repeat(9)}`,
      7,
      'at',
    ],
    ['a statement, an empty line', `SELECT id, name;\n\nid,name\n${'1,Ann\n'.repeat(6)}`, 2, 'id'],
    ['nothing but a header, an empty line', `id,name\n\n${'1,Ann\n2,Bob\n'.repeat(6)}`, 0, 'id'],
  ])('knows what is above by what is below: %s', async (_, text, lines, first) => {
    expect(dialectOf(text).preambleLines).toBe(lines);
    expect((await rowsOf(Buffer.from(text)))[0]?.[0]).toBe(first);
  });

  it.each([
    ['addresses', 'url\nhttp://a.b/c\nhttp://a.b/d?x=1\nhttp://a.b/e?q=x;y\nhttp://a.b/f?q=x;z\n'],
    ['addresses with commas', 'link\nhttp://a.b/0?x=1,2\nhttp://a.b/1?x=1,2\nhttp://a.b/2?x=1,2\n'],
    [
      'an address without a question',
      'url\nhttp://a.b/c\nhttp://a.b/e?q=x,y;z\nhttp://a.b/f?q=x,y;z\nhttp://a.b/g?q=x,y;z\n',
    ],
    ['hardware addresses', 'value\nce:c5:75:1c:4d:37\n5d:98:00:5e:1c:bc\n43:2c:68:b6:db:04\n'],
    [
      'sentences',
      'I went to Rome that day, where much was said.\nShe went to Oslo, where it was said too.\nHe went to Bonn, where this was said.\nWe stayed at home, where nothing was said.\nHe went to Graz, where gift | card was said.\nWe went to Lyon, where paid | due was said.\n',
    ],
  ])('takes no line of one column for a title: %s', async (_, text) => {
    expect(await rowsOf(Buffer.from(text))).toEqual(
      text
        .trimEnd()
        .split('\n')
        .map((line) => [line]),
    );
  });

  it('is not sure of more lines above the table than records in it', () => {
    const text = `R\nby A\nfor B\nat C\nin D\n\nn,b,c,d\n1,2,3,4\n5,6,7,8\n`;
    const found = sniff(Buffer.from(text), {}, { isWholeFile: true });

    expect(found.dialect.preambleLines).toBe(6);
    expect(found).toMatchObject({ ambiguous: true, runnerUp: { preambleLines: 0 } });
  });

  it('says where the larger of two tables begins', () => {
    const text = `k,l\nA,1\nB,2\nC,3\n\nid,n,at,of\n${'7,x,1,2\n'.repeat(9)}`;
    const found = sniff(Buffer.from(text), {}, { isWholeFile: true });

    expect(found).toMatchObject({ ambiguous: true, runnerUp: { preambleLines: 5 } });
    expect(found.dialect.preambleLines).toBeUndefined();
  });
});
