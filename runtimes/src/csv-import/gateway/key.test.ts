import { describe, expect, it } from 'vitest';
import { parseKey } from './key.ts';

const single = (type: string) => [{ name: 'id', type }];

describe('keys in URLs', () => {
  it.each([
    ['bigint', '007', '7'],
    ['bigint', '-0', '0'],
    ['bigint', '-9223372036854775808', '-9223372036854775808'],
    ['uuid', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
    ['numeric', '1.50', '1.50'],
    ['timestamp with time zone', '2024-02-29T10:00:00.123456Z', '2024-02-29T10:00:00.123456Z'],
    ['text', 'a%2Cb,c', 'a,b,c'],
    ['text', '', ''],
  ])('reads %s %s as %s', (type, segment, value) => {
    expect(parseKey(segment, single(type))).toEqual([value]);
  });

  it.each([
    ['bigint', '9223372036854775808'],
    ['bigint', '1.0'],
    ['bigint', ''],
    ['bigint', '%201'],
    ['bigint', '1e3'],
    ['uuid', 'a0eebc999c0b4ef8bb6d6bb9bd380a11'],
    ['numeric', 'NaN'],
    ['numeric', '.'],
    ['boolean', 'yes'],
    ['date', 'today'],
    ['date', 'infinity'],
    ['timestamp with time zone', 'now'],
    ['text', '%00'],
    ['text', '%ff'],
  ])('refuses %s %s with 400', (type, segment) => {
    expect(() => parseKey(segment, single(type))).toThrow(expect.objectContaining({ status: 400 }));
  });

  it('never repeats the value in its message', () => {
    expect(() => parseKey('secret', single('bigint'))).toThrow('The value of id must be a bigint.');
  });

  it('splits composite keys at commas that are not encoded', () => {
    const key = [
      { name: 'tag', type: 'text' },
      { name: 'id', type: 'bigint' },
    ];

    expect(parseKey('a%2Cb,7', key)).toEqual(['a,b', '7']);
    expect(() => parseKey('a,b,7', key)).toThrow(/2 values.*tag \(text\), id \(bigint\)/);
    expect(() => parseKey('7', key)).toThrow(expect.objectContaining({ status: 400 }));
  });
});
