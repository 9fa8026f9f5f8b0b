import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { typeEncoder, type ColumnType } from './column-encoder.ts';
import { CopyBuffer } from './copy-buffer.ts';
import { KeyIndex, type KeyOrder } from './key-index.ts';

/** One for all, as it is for all chunks: nothing of an order before may be left in the next. */
const index = new KeyIndex();

function orderOf(types: readonly ColumnType[], keys: readonly (readonly string[])[]) {
  index.reset();
  const encoders = types.map((type) => typeEncoder({ name: type, type }));
  for (const key of keys) {
    key.forEach((text, column) => {
      const out = new CopyBuffer(text.length * 3 + 64);
      const bytes = Buffer.from(text);
      encoders[column]?.({ bytes, start: 0, end: bytes.length }, out);
      index.add(types[column] ?? 'text', out, 0);
    });
    index.endRow();
  }
  return index.order();
}

/** The keys of `order`, and which of them repeat the one before. */
function described(order: KeyOrder, keys: readonly (readonly string[])[]) {
  return [...order.rows].map((row, at) => ({
    key: keys[row],
    row,
    repeats: order.repeats[at] === 1,
  }));
}

/** What must hold of any order: a permutation, groups by equality, positions ascending in a group. */
function expectGrouped(
  order: KeyOrder | undefined,
  keys: readonly (readonly string[])[],
  identity: (key: readonly string[]) => string,
): void {
  const identities = keys.map(identity);
  if (order === undefined) {
    expect(new Set(identities).size).toBe(keys.length);
    return;
  }
  expect(new Set(order.rows).size).toBe(keys.length);
  // Whoever looks at the place behind the last must not find a mark of another order.
  expect(order.repeats).toHaveLength(keys.length);
  expect(keys.length - order.duplicates).toBe(new Set(identities).size);
  for (let at = 1; at < order.rows.length; at += 1) {
    const [before, row] = [order.rows[at - 1] as number, order.rows[at] as number];
    expect(order.repeats[at] === 1).toBe(identities[before] === identities[row]);
    if (order.repeats[at] === 1) expect(before).toBeLessThan(row);
  }
}

describe('the order of keys', () => {
  it('is absent when rows come in order without repeats', () => {
    expect(
      orderOf(['bigint'], [['-9223372036854775808'], ['-1'], ['0'], ['5'], ['9007199254740993']]),
    ).toBeUndefined();
  });

  it('sorts numbers by value, negative ones first, and keeps equal ones in file order', () => {
    const keys = [['7'], ['-3'], ['7'], ['0'], ['-3'], ['+7']];

    const order = orderOf(['bigint'], keys);

    expect(order && described(order, keys).map(({ row, repeats }) => [row, repeats])).toEqual([
      [1, false],
      [4, true],
      [3, false],
      [0, false],
      [2, true],
      [5, true],
    ]);
  });

  it('groups texts and pairs exactly by equality', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', 'b', 'ä', ' ', 'prefix-long-'),
      maxLength: 4,
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 60 }), (keys) => {
        expectGrouped(orderOf(['text', 'text'], keys), keys, (key) => JSON.stringify(key));
      }),
    );
  });

  it('groups int64 keys exactly by value', () => {
    const near = fc.bigInt({ min: -5n, max: 5n });
    const value = fc.oneof(
      near,
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      near.map((n) => n * 2n ** 32n),
    );
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 80 }), (values) => {
        const keys = values.map((n) => [String(n)]);
        const order = orderOf(['bigint'], keys);
        expectGrouped(order, keys, (key) => key.join());
        const sorted =
          order === undefined ? values : [...order.rows].map((row) => values[row] as bigint);
        expect(sorted).toEqual(
          values.toSorted((left, right) => (left < right ? -1 : left > right ? 1 : 0)),
        );
      }),
    );
  });

  it('treats decimals as equal whatever their scale', () => {
    const keys = [['1.50'], ['1.5'], ['15e-1'], ['-1.5'], ['0.00'], ['0'], ['150'], ['1.5e2']];

    const order = orderOf(['decimal'], keys);

    expect(order?.duplicates).toBe(4);
    expect(order && described(order, keys).map(({ key }) => Number(key?.[0]))).toEqual([
      -1.5, 0, 0, 1.5, 1.5, 1.5, 150, 150,
    ]);
  });
});
