import { describe, expect, it } from 'vitest';
import { sniff } from './sniff.ts';
import { dialectOf } from './test/read-file.ts';

describe('the header', () => {
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

  it.each([
    [
      'an index without a name above positions',
      ',0,1,2\n0,0.7,0.1,1.5\n1,0.2,2.3,0.4\n',
      'Present',
    ],
    ['numbered names that look like ids', 'c10000,c10001\n5,2\n7,9\n', 'Present'],
    ['dates above figures', 'Metric;03.01.2020;12.02.2020\nx;1,5;2\ny;3;4,25\n', 'Present'],
    [
      'values that databases lack',
      '"1","x y",\\N,\\N\n"2","z","1996-10-05","8"\n"3","u","1997-10-05","9"\n',
      'Absent',
    ],
    ['a sentence', 'Ann,He said so and left.\nBob,Fine by me!\nEve,frame\n', 'Absent'],
  ])('sees by the columns what the first record is: %s', (_, text, header) => {
    expect(dialectOf(text).header).toBe(header);
  });

  it('is not sure of a header by words of one length', () => {
    const text =
      'Ann L,Ireland\nBob B,Canada\nEve C,France\nJim K,France\nJoe L,Norway\nSue P,Brazil\n';
    expect(sniff(Buffer.from(text), {}, { isWholeFile: true }).ambiguous).toBe(true);
  });
});
