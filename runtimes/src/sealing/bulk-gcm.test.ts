import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BulkGcm } from './bulk-gcm.ts';
import { Ghash } from './ghash.ts';
import { gcmSeal } from './primitives.ts';

describe('sealing in bulk', () => {
  it('gives the bytes that node:crypto gives, for every length of value and place', () => {
    const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
    const values = fc.array(fc.tuple(bytes(120), bytes(70)), { minLength: 1, maxLength: 600 });
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), values, (secret, pairs) => {
        const key = createSecretKey(secret);
        const gcm = new BulkGcm(key);
        for (const [plain, associated] of pairs) {
          const out = Buffer.alloc(3 + plain.length + 16);
          out.set(plain, 3);
          const nonce = gcm.seal(out, { at: 3, length: plain.length, associated });
          const expected = gcmSeal({ key, nonce, associated }, plain);
          expect(out.subarray(3, -16)).toEqual(expected.ciphertext);
          expect(out.subarray(-16)).toEqual(expected.tag);
        }
      }),
      { numRuns: 12 },
    );
  });

  it('never uses a nonce twice, across the ends of what was made ahead', () => {
    const gcm = new BulkGcm(createSecretKey(Buffer.alloc(32, 1)));
    const nonces = Array.from({ length: 700 }, (_, at) => {
      const length = at % 9 === 0 ? 100 : 5;
      const nonce = gcm.seal(Buffer.alloc(128), { at: 0, length, associated: Buffer.alloc(0) });
      return nonce.toString('hex');
    });
    expect(new Set(nonces).size).toBe(700);
    expect(gcm.count).toBe(700);
  });
});

describe('GHASH', () => {
  it('is that of McGrew and Viega’s test case 2', () => {
    const ghash = new Ghash(Buffer.from('66e94bd4ef8a2c3b884cfa59ca342b2e', 'hex'));
    ghash.begin();
    ghash.update(Buffer.from('0388dace60b6a392f328c2b971b2fe78', 'hex'), 0, 16);
    const hash = Buffer.alloc(16);
    ghash
      .finish({ associated: 0, ciphertext: 16 })
      .forEach((word, at) => hash.writeInt32BE(word, at * 4));
    expect(hash.toString('hex')).toBe('f38cbb1ad69223dcc3457ae5b6b0f885');
  });
});
