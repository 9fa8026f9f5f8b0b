import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clip, clipBytes } from './clip.ts';

describe('text that is cut', () => {
  it('stays as it is where it fits', () => {
    expect(clip('Secret ’a’ 🙂', 64)).toBe('Secret ’a’ 🙂');
    expect(clipBytes('Secret ’a’ 🙂', 64)).toBe('Secret ’a’ 🙂');
  });

  it('loses a character whole rather than half of it', () => {
    expect(clip('ab🙂', 3)).toBe('ab');
    expect(clipBytes('ab’', 4)).toBe('ab');
  });

  it('fits, survives UTF-8 unchanged, and is the same when cut again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(20), (text, max) => {
        const [units, bytes] = [clip(text, max), clipBytes(text, max)];
        expect(units.length).toBeLessThanOrEqual(max);
        expect(Buffer.byteLength(bytes)).toBeLessThanOrEqual(max);
        expect(Buffer.from(units).toString()).toBe(units);
        expect(clip(units, max)).toBe(units);
        expect(clipBytes(bytes, max)).toBe(bytes);
      }),
    );
  });

  it('has no lone half of a character in its middle either', () => {
    expect(clip('a\uD83Db', 64)).toBe('a\uFFFDb');
  });
});
