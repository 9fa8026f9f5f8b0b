import fc from 'fast-check';
import { expect, it } from 'vitest';
import { itemBytes, keyBytes } from '../stream/entry.ts';
import { KeySums, viewOf } from './key-sums.ts';

interface Increment {
  readonly key: number;
  readonly value: bigint;
}

/** Few keys, so that they meet; large values, so that halves carry and sums pass the bound. */
const increment = fc.record({
  key: fc.integer({ min: 0, max: 40 }),
  value: fc.oneof(
    fc.bigInt({ min: 1n, max: 9n }),
    fc.bigInt({ min: 2n ** 32n - 2n, max: 2n ** 32n + 2n }),
    fc.bigInt({ min: 2n ** 63n - 9n, max: 2n ** 63n - 1n }),
  ),
});

function itemsOf(increments: readonly Increment[]): Buffer {
  const items = Buffer.alloc(increments.length * itemBytes);
  for (const [at, { key, value }] of increments.entries()) {
    // Words of all four places differ, the sign bit included.
    items.fill((key * 37) % 251, at * itemBytes, at * itemBytes + keyBytes);
    items.writeBigUInt64BE(value, at * itemBytes + keyBytes);
  }
  return items;
}

function plainSums(increments: readonly Increment[]): ReadonlyMap<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const [at, { value }] of increments.entries()) {
    const key = itemsOf(increments).toString('hex', at * itemBytes, at * itemBytes + keyBytes);
    sums.set(key, (sums.get(key) ?? 0n) + value);
  }
  return sums;
}

const greatest = 2n ** 63n - 1n;

function read(sums: KeySums): readonly (readonly [string, bigint])[] {
  return [...sums.sorted()].map((key) => {
    const bytes = Buffer.alloc(24);
    sums.writeKey(key, viewOf(bytes), 0);
    sums.writeSum(key, viewOf(bytes), 16);
    return [bytes.toString('hex', 0, 16), bytes.readBigInt64BE(16)];
  });
}

function expected(increments: readonly Increment[]): readonly (readonly [string, bigint])[] {
  return [...plainSums(increments)]
    .map(([key, sum]) => [key, sum > greatest ? greatest : sum] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

it('sums as a map does, in the order of keys, and says what passes a bigint', () => {
  fc.assert(
    fc.property(fc.array(increment, { maxLength: 300 }), (increments) => {
      const sums = new KeySums();
      sums.addAll(itemsOf(increments));

      expect(read(sums)).toEqual(expected(increments));
      const tooGreat = [...plainSums(increments)].filter(([, sum]) => sum > greatest);
      expect(sums.overflows()).toBe(tooGreat.length > 0);
      const named = sums.overflowing().map((key) => Buffer.from(key, 'latin1').toString('hex'));
      expect(named.sort()).toEqual(tooGreat.map(([key]) => key).sort());
    }),
  );
});

it('takes back what was added last, as if it had never been there', () => {
  fc.assert(
    fc.property(
      fc.array(increment, { maxLength: 100 }),
      fc.array(increment, { minLength: 1, maxLength: 100 }),
      (kept, undone) => {
        const sums = new KeySums();
        sums.addAll(itemsOf(kept));
        const { size } = sums;
        sums.addAll(itemsOf(undone));
        sums.removeLast(itemsOf(undone), size);

        expect(read(sums)).toEqual(expected(kept));
        sums.addAll(itemsOf(undone));
        expect(read(sums)).toEqual(expected([...kept, ...undone]));
      },
    ),
  );
});

it('grows beyond its first size without losing a key', () => {
  const sums = new KeySums();
  const items = Buffer.alloc(5_000 * itemBytes);
  for (let at = 0; at < 5_000; at++) {
    items.writeUInt32BE(at, at * itemBytes + 12);
    items.writeBigUInt64BE(BigInt(at + 1), at * itemBytes + keyBytes);
  }

  sums.addAll(items);
  sums.addAll(items);

  expect(read(sums).map(([, sum]) => sum)).toEqual(
    Array.from({ length: 5_000 }, (_, at) => 2n * BigInt(at + 1)),
  );
});
