/**
 * The three primitives that everything sealed rests on, each as thin as it can be over node:crypto, so
 * that the published vectors in the test beside it prove the code that runs: AES-256-GCM with 96-bit
 * nonces and whole tags, HKDF with SHA-256, and HMAC with SHA-256.
 *
 * Keys are KeyObjects: a cipher set up from bytes costs three times as much, and they do not print.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';

export const keyBytes = 32;
export const nonceBytes = 12;
export const tagBytes = 16;
export const macBytes = 32;

const algorithm = 'aes-256-gcm';

export interface GcmInput {
  readonly key: KeyObject;
  readonly nonce: Uint8Array;
  readonly associated: Uint8Array;
}

export interface Ciphered {
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
}

export function gcmSeal({ key, nonce, associated }: GcmInput, plain: Uint8Array): Ciphered {
  const cipher = createCipheriv(algorithm, key, nonce);
  cipher.setAAD(associated);
  const ciphertext = cipher.update(plain);
  // Counter mode keeps nothing back: this only completes the tag.
  cipher.final();
  return { ciphertext, tag: cipher.getAuthTag() };
}

/** Undefined where the tag is not that of key, nonce, associated data and ciphertext. */
export function gcmOpen(
  { key, nonce, associated }: GcmInput,
  { ciphertext, tag }: { readonly ciphertext: Uint8Array; readonly tag: Uint8Array },
): Buffer | undefined {
  const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(associated);
  decipher.setAuthTag(tag);
  const plain = decipher.update(ciphertext);
  try {
    decipher.final();
    return plain;
  } catch {
    return undefined;
  }
}

export interface HkdfInput {
  readonly key: KeyObject;
  readonly salt: Uint8Array;
  readonly info: Uint8Array;
}

export function hkdf({ key, salt, info }: HkdfInput, length: number): Buffer {
  return Buffer.from(hkdfSync('sha256', key, salt, info, length));
}

/** A key of its own for one salt and purpose. */
export function derivedKey(input: HkdfInput): KeyObject {
  const bytes = hkdf(input, keyBytes);
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}

export function hmac(key: KeyObject, ...parts: readonly Uint8Array[]): Buffer {
  const mac = createHmac('sha256', key);
  for (const part of parts) mac.update(part);
  return mac.digest();
}
