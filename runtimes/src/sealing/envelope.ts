/**
 * The bytes of a sealed value: version, key id behind its length, salt, nonce, ciphertext, tag.
 *
 *     1 | n | key id (n) | salt (16) | nonce (12) | ciphertext | tag (16)
 *
 * The salt is random and belongs to one attempt at some work. It gives the attempt a key of its own
 * (HKDF-SHA256 of the ring's key), under which nonces are simply counted: whatever is repeated, by a
 * retry, a replay or a reseal, no pair of key and nonce comes twice. The header needs no protection
 * of its own: with one bit of it changed, another key or nonce comes out and the tag is wrong.
 */
import { isKeyId } from './key-ring.ts';
import { nonceBytes, tagBytes } from './primitives.ts';

export const saltBytes = 16;
const version = 1;
const idAt = 2;

export interface Envelope {
  readonly keyId: string;
  readonly salt: Buffer;
  readonly nonce: Buffer;
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
}

/** Everything before the nonce: the same in all envelopes of an attempt. */
export function envelopeHead(keyId: string, salt: Buffer): Buffer {
  const id = Buffer.from(keyId, 'latin1');
  return Buffer.concat([Buffer.from([version, id.length]), id, salt]);
}

/** The parts of an envelope, as views; undefined if the bytes are none. */
export function parseEnvelope(bytes: Buffer): Envelope | undefined {
  const idLength = bytes[1];
  if (bytes[0] !== version || idLength === undefined) return undefined;
  const saltAt = idAt + idLength;
  const nonceAt = saltAt + saltBytes;
  const dataAt = nonceAt + nonceBytes;
  const tagAt = bytes.length - tagBytes;
  if (tagAt < dataAt) return undefined;
  const keyId = bytes.toString('latin1', idAt, saltAt);
  if (!isKeyId(keyId)) return undefined;
  return {
    keyId,
    salt: bytes.subarray(saltAt, nonceAt),
    nonce: bytes.subarray(nonceAt, dataAt),
    ciphertext: bytes.subarray(dataAt, tagAt),
    tag: bytes.subarray(tagAt),
  };
}
