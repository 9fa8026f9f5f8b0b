import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeEntry, encodeRequest, itemBytes, type Entry } from './entry.ts';

function items(...values: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(values.length * itemBytes, 7);
  for (const [at, value] of values.entries()) bytes.writeBigUInt64BE(value, at * itemBytes + 16);
  return bytes;
}

function entry(version: string, payload: Buffer): Entry {
  return { id: '1-0', version, payload };
}

const digests = { digest: Buffer.alloc(16, 1), payloadDigest: Buffer.alloc(16, 2) };

describe('an entry', () => {
  it('holds increments, or one request with its digests', () => {
    const some = items(1n, 2n ** 53n + 1n, 2n ** 63n - 1n);

    expect(decodeEntry(entry('1', some))).toEqual({ items: some });
    expect(decodeEntry(entry('2', encodeRequest(digests, some)))).toEqual({
      items: some,
      request: digests,
    });
  });

  it('of a version that is not known is refused as such', () => {
    for (const version of ['', '0', '3', '11', 'items']) {
      expect(decodeEntry(entry(version, items(1n)))).toEqual({ refused: 'UnknownVersion' });
    }
  });

  it('whose bytes are no increments is refused', () => {
    const bad = [
      Buffer.alloc(0),
      items(1n).subarray(1),
      Buffer.concat([items(1n), Buffer.alloc(1)]),
      items(0n),
      items(5n, 2n ** 63n),
      items(2n ** 64n - 1n),
    ];

    for (const payload of bad) {
      expect(decodeEntry(entry('1', payload))).toEqual({ refused: 'Unparsable' });
      expect(decodeEntry(entry('2', encodeRequest(digests, payload)))).toEqual({
        refused: 'Unparsable',
      });
    }
    expect(decodeEntry(entry('2', Buffer.alloc(31)))).toEqual({ refused: 'Unparsable' });
  });

  it('never throws, whatever it holds', () => {
    fc.assert(
      fc.property(fc.string(), fc.uint8Array({ maxLength: 100 }), (version, payload) => {
        decodeEntry(entry(version, Buffer.from(payload)));
        decodeEntry(entry('2', Buffer.from(payload)));
      }),
    );
  });
});
