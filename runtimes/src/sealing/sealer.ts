/**
 * Seals the values of one attempt at some work: a chunk, a batch of a reseal, a replay. Each attempt
 * makes a sealer of its own; its salt is random, its nonces are counted. See envelope.ts.
 */
import { randomBytes } from 'node:crypto';
import { assert } from '@millrace/kit/fault';
import { BulkGcm } from './bulk-gcm.ts';
import { envelopeHead, saltBytes } from './envelope.ts';
import type { SealingKey } from './key-ring.ts';
import { nonceBytes, tagBytes } from './primitives.ts';
import { subkey } from './subkey.ts';

/** Counted in six of the nonce's bytes; reaching it would take a century. */
const valuesMax = 2 ** 48 - 1;

export class Sealer {
  readonly key: SealingKey;
  /** Bytes of an envelope before the ciphertext, and in all besides it. */
  readonly headBytes: number;
  readonly overheadBytes: number;
  readonly #head: Buffer;
  readonly #gcm: BulkGcm;

  constructor(key: SealingKey, salt: Buffer = randomBytes(saltBytes)) {
    this.key = key;
    this.#head = envelopeHead(key.id, salt);
    this.#gcm = new BulkGcm(subkey(key, salt));
    this.headBytes = this.#head.length + nonceBytes;
    this.overheadBytes = this.headBytes + tagBytes;
  }

  seal(plain: Uint8Array, associated: Uint8Array): Buffer {
    const envelope = Buffer.allocUnsafe(plain.length + this.overheadBytes);
    envelope.set(plain, this.headBytes);
    this.sealInPlace(envelope, 0, { length: plain.length, associated });
    return envelope;
  }

  /** Makes an envelope at `at` of the plain bytes that stand there where its ciphertext will be. */
  sealInPlace(
    bytes: Buffer,
    at: number,
    value: { readonly length: number; readonly associated: Uint8Array },
  ): void {
    assert(this.#gcm.count < valuesMax, 'an attempt seals fewer values than there are nonces');
    const nonce = this.#gcm.seal(bytes, { at: at + this.headBytes, ...value });
    bytes.set(this.#head, at);
    bytes.set(nonce, at + this.#head.length);
  }
}
