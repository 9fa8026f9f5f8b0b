import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fixedKeys, sealingKeys } from '../../test/sealing-keys.ts';
import { columnPlace, lengthPrefixed, rejectPlace, valuePlace } from './associated-data.ts';
import { blindIndex, blindIndexes } from './blind-index.ts';
import { parseEnvelope } from './envelope.ts';
import { keyRingReader, parseKeyRing } from './key-ring.ts';
import { Opener } from './opener.ts';
import { gcmSeal } from './primitives.ts';
import { Sealer } from './sealer.ts';
import { subkey } from './subkey.ts';

const ring = fixedKeys('new', 'old').current();
const text = (value: string): Buffer => Buffer.from(value);
const place = columnPlace('users', 'email');

describe('a sealed value', () => {
  it('opens to what was sealed, whatever its bytes and its place', () => {
    const opener = new Opener(fixedKeys('new', 'old'));
    const sealer = new Sealer(ring.active);
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.uint8Array({ maxLength: 60 }),
        (plain, at) => {
          expect(opener.open(sealer.seal(plain, at), at)).toEqual(Buffer.from(plain));
        },
      ),
    );
  });

  it('is its head, a nonce that is counted, and GCM under a key derived from the salt', () => {
    const salt = Buffer.alloc(16, 7);
    const sealer = new Sealer(ring.active, salt);
    sealer.seal(text('first'), place);
    const second = parseEnvelope(sealer.seal(text('second'), place));
    const nonce = Buffer.from('000000000000000000000002', 'hex');
    expect(second).toMatchObject({ keyId: 'new', salt, nonce });
    const expected = gcmSeal(
      { key: subkey(ring.active, salt), nonce, associated: place },
      text('second'),
    );
    expect(second?.ciphertext).toEqual(expected.ciphertext);
    expect(second?.tag).toEqual(expected.tag);
  });

  it('never repeats a salt and nonce, and so never looks like an equal value', () => {
    const seen = new Set<string>();
    for (let attempt = 0; attempt < 50; attempt += 1) {
      const sealer = new Sealer(ring.active);
      for (let value = 0; value < 20; value += 1) {
        const envelope = parseEnvelope(sealer.seal(text('same'), place));
        seen.add(`${envelope?.salt.toString('hex')} ${envelope?.nonce.toString('hex')}`);
      }
    }
    expect(seen.size).toBe(1000);
  });

  // Envelope: 1 | 3 | new | salt (16) | nonce (12) | ciphertext (15) | tag (16)
  it.each([
    ['version', 0, 1],
    ['salt', 5, 16],
    ['nonce', 21, 12],
    ['ciphertext', 33, 15],
    ['tag', 48, 16],
  ] as const)('does not open with any bit of its %s changed', (_, start, length) => {
    const opener = new Opener(fixedKeys('new', 'old'));
    const sealed = new Sealer(ring.active).seal(text('ada@example.com'), place);
    expect(sealed).toHaveLength(64);
    for (let bit = start * 8; bit < (start + length) * 8; bit += 1) {
      const changed = Buffer.from(sealed);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => opener.open(changed, place), `bit ${bit}`).toThrow('cannot be opened');
    }
  });

  it('does not open under the id of another key, with any byte of it changed, or cut anywhere', () => {
    const opener = new Opener(fixedKeys('new', 'old'));
    const sealed = new Sealer(ring.active).seal(text('ada@example.com'), place);
    const renamed = Buffer.from(sealed);
    renamed.write('old', 2, 'latin1');
    expect(() => opener.open(renamed, place)).toThrow('cannot be opened');
    for (let at = 1; at < 5; at += 1) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 0x01;
      expect(() => opener.open(changed, place)).toThrow(
        /cannot be opened|which SEALING_KEYS lacks/,
      );
    }
    for (let length = 0; length < sealed.length; length += 1) {
      expect(() => opener.open(sealed.subarray(0, length), place)).toThrow('cannot be opened');
    }
  });

  it('does not open in another table, column or row', () => {
    const opener = new Opener(fixedKeys('new'));
    const row = (id: number) => [{ type: 'integer' as const, bytes: Buffer.from([0, 0, 0, id]) }];
    const at = (table: string, column: string, id: number): Buffer =>
      valuePlace(columnPlace(table, column), row(id));
    const sealed = new Sealer(ring.active).seal(text('ada'), at('users', 'email', 1));
    expect(opener.open(sealed, at('users', 'email', 1)).toString()).toBe('ada');
    for (const other of [
      at('people', 'email', 1),
      at('users', 'phone', 1),
      at('users', 'email', 2),
      at('use', 'rsemail', 1),
    ]) {
      expect(() => opener.open(sealed, other)).toThrow('cannot be opened');
    }
  });

  it('of a key that the ring lacks names the key', () => {
    const sealed = new Sealer(fixedKeys('gone').current().active).seal(text('x'), place);
    expect(() => new Opener(fixedKeys('new', 'old')).open(sealed, place)).toThrow(
      expect.objectContaining({
        family: 'Transient',
        code: 'SealingKeyMissing',
        message: expect.stringContaining('the key gone') as string,
      }),
    );
  });

  it('opens after its key was demoted, and not with another key under the same id', () => {
    const sealed = new Sealer(fixedKeys('old').current().active).seal(text('x'), place);
    expect(new Opener(fixedKeys('new', 'old')).open(sealed, place).toString()).toBe('x');
    const impostor = sealingKeys('other').replace('other', 'old');
    const reader = keyRingReader({ read: () => impostor, clock: { monotonic: () => 0 } });
    expect(() => new Opener(reader).open(sealed, place)).toThrow('cannot be opened');
  });

  it('is opened with the ring that is there now, without keys kept from an earlier one', () => {
    let current = sealingKeys('old');
    let now = 0;
    const opener = new Opener(
      keyRingReader({ read: () => current, clock: { monotonic: () => now } }),
    );
    const sealed = new Sealer(fixedKeys('old').current().active).seal(text('x'), place);
    expect(opener.open(sealed, place).toString()).toBe('x');
    current = sealingKeys('new');
    now = 1_000;
    expect(() => opener.open(sealed, place)).toThrow('the key old');
  });
});

describe('the place of a value', () => {
  it('is another for any other table, column and row key', () => {
    const part = fc.uint8Array({ maxLength: 4 });
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 4 }),
        fc.array(part, { maxLength: 4 }),
        (one, two) => {
          const isSame = JSON.stringify(one) === JSON.stringify(two);
          expect(lengthPrefixed(...one).equals(lengthPrefixed(...two))).toBe(isSame);
        },
      ),
    );
    expect(rejectPlace('t', '00000000-0000-4000-8000-000000000001', 5)).not.toEqual(
      rejectPlace('t', '00000000-0000-4000-8000-000000000001', 6),
    );
  });

  it('is the same for equal decimals of any number of digits', () => {
    const header = (digits: number, weight: number, scale: number): Buffer => {
      const bytes = Buffer.alloc(8);
      bytes.writeInt16BE(digits, 0);
      bytes.writeInt16BE(weight, 2);
      bytes.writeInt16BE(scale, 6);
      return bytes;
    };
    const digit = Buffer.from([0, 1]);
    const of = (bytes: Buffer): Buffer => valuePlace(place, [{ type: 'decimal', bytes }]);
    expect(of(Buffer.concat([header(1, 0, 1), digit]))).toEqual(
      of(Buffer.concat([header(2, 0, 4), digit, Buffer.alloc(2)])),
    );
    expect(of(header(0, 0, 2))).toEqual(of(header(0, 3, 0)));
  });
});

describe('a blind index', () => {
  it('is equal for equal values of one column under one key, and for nothing else', () => {
    const made = blindIndex(ring.active, place, text('a'));
    expect(blindIndex(ring.active, place, text('a'))).toEqual(made);
    expect(blindIndex(ring.active, place, text('b'))).not.toEqual(made);
    expect(blindIndex(ring.active, columnPlace('users', 'phone'), text('a'))).not.toEqual(made);
    expect(blindIndexes(ring, place, text('a'))).toEqual([
      made,
      blindIndex(ring.need('old'), place, text('a')),
    ]);
  });
});

describe('the key ring', () => {
  const key = Buffer.alloc(32, 1).toString('base64');
  const other = Buffer.alloc(32, 2).toString('base64');
  const good = { use: 'active', seal: key, index: other };

  it.each([
    ['no JSON', `{"a": ${key}`, 'it must be a JSON object'],
    ['a list', '[]', 'it must be a JSON object'],
    ['nothing active', JSON.stringify({ a: { ...good, use: 'decrypt-only' } }), 'none of its keys'],
    ['two active', JSON.stringify({ a: good, b: good }), 'a and b are both active'],
    ['another use', JSON.stringify({ a: { ...good, use: 'retired' } }), 'a.use must be'],
    ['a short key', JSON.stringify({ a: { ...good, seal: key.slice(4) } }), 'a.seal must be 32'],
    ['no index key', JSON.stringify({ a: { use: 'active', seal: key } }), 'a.index must be 32'],
    ['one key twice', JSON.stringify({ a: { ...good, index: key } }), 'must be different keys'],
    ['an id of other letters', JSON.stringify({ ä: good }), 'a key id must be'],
  ])('that is %s is refused without a word of its content', (_, content, message) => {
    try {
      parseKeyRing(content);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: 'SealingKeysUnusable', family: 'Transient' });
      const said = (error as Error).message;
      expect(said).toContain(message);
      expect(said).not.toContain(key);
      expect(said).not.toContain(other);
    }
  });

  it('is read again once a second, at once while it is unusable', () => {
    let content: string | undefined;
    let now = 0;
    let reads = 0;
    const reader = keyRingReader({
      read: () => {
        reads += 1;
        return content;
      },
      clock: { monotonic: () => now },
    });
    expect(() => reader.current()).toThrow('lacks the key SEALING_KEYS');
    content = sealingKeys('a');
    const first = reader.current();
    expect(first.active.id).toBe('a');
    content = sealingKeys('b', 'a');
    expect(reader.current()).toBe(first);
    now = 1_000;
    expect(reader.current().keys.map(({ id }) => id)).toEqual(['b', 'a']);
    const before = reads;
    reader.current();
    expect(reads).toBe(before);
  });
});
