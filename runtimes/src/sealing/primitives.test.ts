/**
 * Known answers. AES-256-GCM: test cases 13 to 16 of "The Galois/Counter Mode of Operation" by McGrew
 * and Viega; HKDF-SHA256: RFC 5869, appendix A.1 to A.3; HMAC-SHA-256: RFC 4231, sections 4.2 to 4.5,
 * 4.7 and 4.8 (4.6 is of a shortened code, which nothing here makes). They run through the functions that everything sealed goes through.
 */
import { createSecretKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { gcmOpen, gcmSeal, hkdf, hmac } from './primitives.ts';

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex');
}

const longKey = 'feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308';
const longPlain =
  'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72' +
  '1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255';
const longCiphertext =
  '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa' +
  '8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad';

const gcmCases = [
  {
    name: '13',
    key: '00'.repeat(32),
    nonce: '00'.repeat(12),
    associated: '',
    plain: '',
    ciphertext: '',
    tag: '530f8afbc74536b9a963b4f1c4cb738b',
  },
  {
    name: '14',
    key: '00'.repeat(32),
    nonce: '00'.repeat(12),
    associated: '',
    plain: '00'.repeat(16),
    ciphertext: 'cea7403d4d606b6e074ec5d3baf39d18',
    tag: 'd0d1c8a799996bf0265b98b5d48ab919',
  },
  {
    name: '15',
    key: longKey,
    nonce: 'cafebabefacedbaddecaf888',
    associated: '',
    plain: longPlain,
    ciphertext: longCiphertext,
    tag: 'b094dac5d93471bdec1a502270e3cc6c',
  },
  {
    name: '16',
    key: longKey,
    nonce: 'cafebabefacedbaddecaf888',
    associated: 'feedfacedeadbeeffeedfacedeadbeefabaddad2',
    plain: longPlain.slice(0, 120),
    ciphertext: longCiphertext.slice(0, 120),
    tag: '76fc6ece0f4e1768cddf8853bb2d551b',
  },
];

describe('AES-256-GCM', () => {
  it.each(gcmCases)('seals and opens test case $name', (given) => {
    const input = {
      key: createSecretKey(bytes(given.key)),
      nonce: bytes(given.nonce),
      associated: bytes(given.associated),
    };
    const sealed = gcmSeal(input, bytes(given.plain));
    expect(sealed.ciphertext.toString('hex')).toBe(given.ciphertext);
    expect(sealed.tag.toString('hex')).toBe(given.tag);
    expect(gcmOpen(input, sealed)?.toString('hex')).toBe(given.plain);
  });

  it('opens nothing whose ciphertext, tag, nonce or associated data was changed', () => {
    const key = createSecretKey(bytes(longKey));
    const input = { key, nonce: Buffer.alloc(12, 1), associated: Buffer.from('place') };
    const sealed = gcmSeal(input, Buffer.from('value'));
    const flipped = (from: Buffer): Buffer => {
      const copy = Buffer.from(from);
      copy[0] = (copy[0] ?? 0) ^ 1;
      return copy;
    };
    expect(gcmOpen(input, { ...sealed, ciphertext: flipped(sealed.ciphertext) })).toBeUndefined();
    expect(gcmOpen(input, { ...sealed, tag: flipped(sealed.tag) })).toBeUndefined();
    expect(gcmOpen({ ...input, nonce: flipped(input.nonce) }, sealed)).toBeUndefined();
    expect(gcmOpen({ ...input, associated: Buffer.from('other') }, sealed)).toBeUndefined();
    expect(gcmOpen(input, sealed)?.toString()).toBe('value');
  });
});

const range = (from: number, to: number): string =>
  Buffer.from(Array.from({ length: to - from + 1 }, (_, at) => from + at)).toString('hex');

describe('HKDF-SHA256', () => {
  it.each([
    {
      name: 'A.1',
      key: '0b'.repeat(22),
      salt: range(0x00, 0x0c),
      info: range(0xf0, 0xf9),
      okm:
        '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf' + '34007208d5b887185865',
    },
    {
      name: 'A.2',
      key: range(0x00, 0x4f),
      salt: range(0x60, 0xaf),
      info: range(0xb0, 0xff),
      okm:
        'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c' +
        '59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71' +
        'cc30c58179ec3e87c14c01d5c1f3434f1d87',
    },
    {
      name: 'A.3',
      key: '0b'.repeat(22),
      salt: '',
      info: '',
      okm:
        '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d' + '9d201395faa4b61a96c8',
    },
  ])('derives RFC 5869 $name', ({ key, salt, info, okm }) => {
    const input = { key: createSecretKey(bytes(key)), salt: bytes(salt), info: bytes(info) };
    expect(hkdf(input, okm.length / 2).toString('hex')).toBe(okm);
  });
});

describe('HMAC-SHA-256', () => {
  it.each([
    {
      name: '4.2',
      key: '0b'.repeat(20),
      parts: ['Hi ', 'There'],
      mac: 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
    },
    {
      name: '4.3',
      key: Buffer.from('Jefe').toString('hex'),
      parts: ['what do ya want for nothing?'],
      mac: '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    },
    {
      name: '4.4',
      key: 'aa'.repeat(20),
      parts: [Buffer.alloc(50, 0xdd)],
      mac: '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe',
    },
    {
      name: '4.5',
      key: range(0x01, 0x19),
      parts: [Buffer.alloc(50, 0xcd)],
      mac: '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b',
    },
    {
      name: '4.7',
      key: 'aa'.repeat(131),
      parts: ['Test Using Larger Than Block-Size Key - Hash Key First'],
      mac: '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    },
    {
      name: '4.8',
      key: 'aa'.repeat(131),
      parts: [
        'This is a test using a larger than block-size key and a larger than block-size data. ',
        'The key needs to be hashed before being used by the HMAC algorithm.',
      ],
      mac: '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2',
    },
  ])('computes RFC 4231 $name', ({ key, parts, mac }) => {
    const made = hmac(createSecretKey(bytes(key)), ...parts.map((part) => Buffer.from(part)));
    expect(made.toString('hex')).toBe(mac);
  });
});
