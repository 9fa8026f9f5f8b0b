import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { probePlaces } from './sniff-probes.ts';

describe('probePlaces', () => {
  it('stays within the file and after its head, at even places, for any size', () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 43 }), (size) => {
        const head = 1 << 20;
        for (const { offset, length } of probePlaces(size, head)) {
          expect(offset % 2).toBe(0);
          expect(offset).toBeGreaterThanOrEqual(head);
          expect(length).toBeGreaterThan(0);
          expect(length).toBeLessThanOrEqual(64 << 10);
          expect(offset + length).toBeLessThanOrEqual(size);
        }
      }),
    );
  });

  it('reaches the end of a large file with few pieces, and asks for none of a small one', () => {
    const places = probePlaces(5e9, 1 << 20);

    expect(places).toHaveLength(6);
    expect((places.at(-1)?.offset ?? 0) + (places.at(-1)?.length ?? 0)).toBe(5e9);
    expect(probePlaces(1 << 20, 1 << 20)).toEqual([]);
  });
});
