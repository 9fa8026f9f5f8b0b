import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { identityHash, rowHash } from './cached-row.ts';

const parts = fc.array(fc.string({ unit: 'binary' }), { maxLength: 4 });

describe('the identity of a cached row', () => {
  it('is hashed as workers do that write all its parts at once', () => {
    fc.assert(
      fc.property(parts, parts, fc.array(fc.string(), { minLength: 1 }), (first, shared, key) => {
        const expected = rowHash([...first, ...shared, ...key]);

        expect(identityHash({ shared, key }, ...first)).toBe(expected);
        expect(identityHash({ shared, key }, ...first)).toBe(expected);
      }),
    );
  });
});
