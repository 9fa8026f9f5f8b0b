import { describe, expect, it } from 'vitest';
import { partitionOf } from './partition-of.ts';

function spread(keyOf: (at: number) => Buffer): readonly number[] {
  const counts = Array.from({ length: 8 }, () => 0);
  for (let at = 0; at < 8_000; at++) {
    const partition = partitionOf(keyOf(at), 0, 8);
    counts[partition] = (counts[partition] ?? 0) + 1;
  }
  return counts;
}

describe('the partition of a key', () => {
  it('is even for keys that differ in few bytes, wherever these are', () => {
    for (const offset of [0, 4, 8, 12]) {
      const counts = spread((at) => {
        const key = Buffer.alloc(16, 0x5a);
        key.writeUInt32BE(at, offset);
        return key;
      });

      expect(Math.min(...counts)).toBeGreaterThan(800);
      expect(Math.max(...counts)).toBeLessThan(1_200);
    }
  });

  it('never changes: repetitions of requests are recognised by it', () => {
    const key = Buffer.from('00112233445566778899aabbccddeeff', 'hex');

    expect([1, 2, 3, 8, 64].map((partitions) => partitionOf(key, 0, partitions))).toEqual([
      0, 0, 1, 0, 24,
    ]);
  });

  it('is that of the bytes at the offset', () => {
    const key = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
    const items = Buffer.concat([Buffer.alloc(24, 1), key]);

    expect(partitionOf(items, 24, 64)).toBe(partitionOf(key, 0, 64));
  });
});
