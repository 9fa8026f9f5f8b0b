/** The key of one attempt, from a key of the ring and the attempt's salt. */
import type { KeyObject } from 'node:crypto';
import type { SealingKey } from './key-ring.ts';
import { derivedKey } from './primitives.ts';

const purpose = Buffer.from('millrace sealed value 1');

export function subkey({ seal }: SealingKey, salt: Uint8Array): KeyObject {
  return derivedKey({ key: seal, salt, info: purpose });
}
