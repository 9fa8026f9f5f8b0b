import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLimit, parseTarget, refuseUnknown } from './request-target.ts';

describe('the request target', () => {
  it('gives back any query that was encoded', () => {
    const value = fc
      .string({ unit: 'binary' })
      .filter((text) => !text.includes('\0') && text.isWellFormed());
    fc.assert(
      fc.property(fc.dictionary(value, value), (query) => {
        const text = new URLSearchParams(query).toString();

        expect(Object.fromEntries(parseTarget(`/t?${text}`).query)).toEqual({ ...query });
      }),
    );
  });

  it('keeps path segments as they were sent', () => {
    expect(parseTarget('/a%2Cb,c/d%2Fe/?x').segments).toEqual(['a%2Cb,c', 'd%2Fe', '']);
  });

  it.each(['/t?a=1&a=2', '/t?a=1&%61=2', '/t?a=%', '/t?a=%c3', '/t?%ed%a0%80=1', '/t?a=%00'])(
    'refuses %s',
    (url) => {
      expect(() => parseTarget(url)).toThrow(/./);
    },
  );

  it('names an unknown parameter without letting it write into the message', () => {
    const query = parseTarget('/t?%22%3C%0Ascript=1').query;

    expect(() => refuseUnknown(query, new Set(['limit']))).toThrow('"???script" is not known');
  });

  it('takes limits from one to the most', () => {
    const limit = (text: string) =>
      parseLimit(new Map([['limit', text]]), { byDefault: 50, max: 1000 });

    expect([limit('1'), limit('1000')]).toEqual([1, 1000]);
    expect(parseLimit(new Map(), { byDefault: 50, max: 1000 })).toBe(50);
    for (const text of ['0', '1001', '-1', '1.5', ' 1', '+1', '0x10', '1e1', '', '٣']) {
      expect(() => limit(text)).toThrow(/from 1 to 1000/);
    }
  });
});
