import { describe, expect, it } from 'vitest';
import { decodeEntry, encodeRequest, type Entry } from '../stream/entry.ts';
import { keptEntry, takeBatch } from './batch.ts';

function items(...keys: readonly number[]): Buffer {
  const bytes = Buffer.alloc(keys.length * 24);
  for (const [at, key] of keys.entries()) {
    bytes.writeUInt32BE(key, at * 24);
    bytes.writeBigUInt64BE(1n, at * 24 + 16);
  }
  return bytes;
}

function entry(number: number, payload: Buffer, version = '1'): Entry {
  return { id: `${String(number)}-0`, version, payload };
}

describe('a batch', () => {
  it('is undefined without entries', () => {
    expect(takeBatch([], 10)).toBeUndefined();
  });

  it('ends before the entry that brings too many keys', () => {
    const batch = takeBatch([entry(1, items(1, 2)), entry(2, items(2, 3)), entry(3, items(4))], 3);

    expect(batch).toMatchObject({ lastId: '2-0', increments: 4, isFull: true });
    expect(batch?.sums.size).toBe(3);
  });

  it('goes on with keys that it has', () => {
    const batch = takeBatch([entry(1, items(1, 2)), entry(2, items(2, 1)), entry(3, items(1))], 2);

    expect(batch).toMatchObject({ lastId: '3-0', increments: 5, isFull: false });
  });

  it('takes the first entry whole, and nothing after it, when it alone has too many keys', () => {
    const batch = takeBatch([entry(1, items(1, 2, 3)), entry(2, items(4))], 2);

    expect(batch).toMatchObject({ lastId: '1-0', increments: 3, isFull: true });
  });

  it('passes over what cannot be read, and keeps it as it was', () => {
    const torn = items(1).subarray(1);
    const batch = takeBatch(
      [entry(1, torn), entry(2, items(1)), entry(3, Buffer.from('future'), '9')],
      10,
    );

    expect(batch).toMatchObject({ lastId: '3-0', increments: 1 });
    expect(batch?.refused.map(({ id, reason }) => [id, reason])).toEqual([
      ['1-0', 'Unparsable'],
      ['3-0', 'UnknownVersion'],
    ]);
    const kept = batch?.refused.map(({ id, payload }) => keptEntry(id, payload));
    expect(kept).toEqual([entry(1, torn), entry(3, Buffer.from('future'), '9')]);
  });

  it('refuses values that are no positive bigint', () => {
    const zero = items(1);
    zero.writeBigUInt64BE(0n, 16);
    const negative = items(1);
    negative.writeBigInt64BE(-1n, 16);

    const batch = takeBatch([entry(1, zero), entry(2, negative), entry(3, Buffer.alloc(0))], 10);

    expect(batch?.refused.map(({ reason }) => reason)).toEqual(Array(3).fill('Unparsable'));
    expect(batch?.sums.size).toBe(0);
  });

  it('keeps requests apart', () => {
    const request = { digest: Buffer.alloc(16, 1), payloadDigest: Buffer.alloc(16, 2) };
    const payload = encodeRequest(request, items(5));

    const batch = takeBatch([entry(1, payload, '2')], 10);

    expect(decodeEntry(entry(1, payload, '2'))).toEqual({ items: items(5), request });
    expect(batch?.entries).toEqual([{ id: '1-0', items: items(5), request }]);
  });
});
