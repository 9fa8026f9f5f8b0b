/**
 * AES-256-GCM for very many short values under one key whose nonces are counted.
 *
 * A cipher of node:crypto costs four microseconds to set up, a hundred times what its short value
 * takes. Since the nonces to come are known, the key stream of a few hundred of them is made by one call
 * of AES itself, and a value is then an exclusive or and a GHASH: a fifth of the time, the same bytes.
 * A value that is longer than its share of the key stream goes to node:crypto as any other.
 */
import { createCipheriv, type Cipheriv, type KeyObject } from 'node:crypto';
import { Ghash } from './ghash.ts';
import { gcmSeal, nonceBytes, tagBytes } from './primitives.ts';

const blockBytes = 16;
/** One masks the tag, the others are for the value. */
const blocksOfValue = 5;
const streamBytes = blocksOfValue * blockBytes;
const valueBytesMax = streamBytes - blockBytes;
/** Twenty kilobytes of key stream. */
const valuesAhead = 256;
/** The counter is in six of the nonce's bytes. */
const counterBytes = 6;
const counterAt = nonceBytes - counterBytes;

export interface Plain {
  /** Where the value begins; its ciphertext takes its place, and the tag follows it. */
  readonly at: number;
  readonly length: number;
  readonly associated: Uint8Array;
}

export class BulkGcm {
  readonly #key: KeyObject;
  readonly #aes: Cipheriv;
  readonly #ghash: Ghash;
  readonly #counters = Buffer.alloc(valuesAhead * streamBytes);
  readonly #nonce = Buffer.alloc(nonceBytes);
  #stream = Buffer.alloc(0);
  /** The value whose key stream comes first, and the one that is next. */
  #first = 0;
  #next = 1;

  constructor(key: KeyObject) {
    this.#key = key;
    this.#aes = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
    this.#ghash = new Ghash(this.#aes.update(Buffer.alloc(blockBytes)));
  }

  /** Values sealed. */
  get count(): number {
    return this.#next - 1;
  }

  /** Seals a value where it stands; the nonce used is valid until the next call. */
  seal(bytes: Buffer, plain: Plain): Buffer {
    const nonce = this.#nonce;
    nonce.writeUIntBE(this.#next, counterAt, counterBytes);
    if (plain.length > valueBytesMax) this.#sealLong(bytes, plain);
    else this.#sealShort(bytes, plain);
    this.#next += 1;
    return nonce;
  }

  #sealLong(bytes: Buffer, { at, length, associated }: Plain): void {
    const value = bytes.subarray(at, at + length);
    const sealed = gcmSeal({ key: this.#key, nonce: this.#nonce, associated }, value);
    bytes.set(sealed.ciphertext, at);
    bytes.set(sealed.tag, at + length);
  }

  #sealShort(bytes: Buffer, { at, length, associated }: Plain): void {
    if (this.#next >= this.#first + valuesAhead || this.#first === 0) this.#makeStream();
    const stream = this.#stream;
    const mask = (this.#next - this.#first) * streamBytes;
    const dataAt = mask + blockBytes;
    for (let index = 0; index < length; index += 1) {
      bytes[at + index] = (bytes[at + index] as number) ^ (stream[dataAt + index] as number);
    }
    const ghash = this.#ghash;
    ghash.begin();
    ghash.update(associated, 0, associated.length);
    ghash.update(bytes, at, at + length);
    const hash = ghash.finish({ associated: associated.length, ciphertext: length });
    const tagAt = at + length;
    for (let index = 0; index < tagBytes; index += 1) {
      const byte = (hash[index >> 2] as number) >>> (24 - (index & 3) * 8);
      bytes[tagAt + index] = byte ^ (stream[mask + index] as number);
    }
  }

  /** Counter blocks of the nonces to come, encrypted. */
  #makeStream(): void {
    const counters = this.#counters;
    this.#first = this.#next;
    for (let value = 0; value < valuesAhead; value += 1) {
      for (let block = 0; block < blocksOfValue; block += 1) {
        const blockAt = value * streamBytes + block * blockBytes;
        counters.writeUIntBE(this.#first + value, blockAt + counterAt, counterBytes);
        counters.writeUInt32BE(block + 1, blockAt + nonceBytes);
      }
    }
    this.#stream = this.#aes.update(counters);
  }
}
