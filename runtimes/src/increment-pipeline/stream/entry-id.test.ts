import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareEntryIds, entryIdAfter } from './entry-id.ts';

const part = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const id = fc.tuple(part, part);
const text = ([ms, sequence]: readonly [bigint, bigint]): string => `${ms}-${sequence}`;

describe('ids of entries', () => {
  it('are compared as numbers, the time before the sequence', () => {
    fc.assert(
      fc.property(id, id, (a, b) => {
        const expected = a[0] === b[0] ? a[1] - b[1] : a[0] - b[0];
        expect(Math.sign(compareEntryIds(text(a), text(b)))).toBe(
          expected === 0n ? 0 : expected < 0n ? -1 : 1,
        );
      }),
    );
    expect(compareEntryIds('10-0', '9-99')).toBeGreaterThan(0);
    expect(compareEntryIds('10-9', '10-10')).toBeLessThan(0);
    expect(compareEntryIds('10-9', '10-9')).toBe(0);
  });

  it('are followed by one that is greater, with nothing in between', () => {
    expect(entryIdAfter('5-7')).toBe('5-8');
    expect(entryIdAfter(`5-${2n ** 64n - 1n}`)).toBe('6-0');
  });
});
