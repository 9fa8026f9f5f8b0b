/**
 * Opens sealed values with whatever keys the ring has now.
 *
 * A page of rows has the salts of as many chunks, so the keys derived from them are kept, the least
 * recently used given up first. They are kept by the ring's own key: a ring that was read again, with
 * another key under an old id, never uses what the earlier one led to.
 */
import type { KeyObject } from 'node:crypto';
import { Permanent } from '@millrace/kit/permanent';
import { parseEnvelope } from './envelope.ts';
import type { KeyRing, KeyRingReader, SealingKey } from './key-ring.ts';
import { gcmOpen } from './primitives.ts';
import { subkey } from './subkey.ts';

/** About a kilobyte each. */
const subkeysMax = 4_096;

export class Opener {
  readonly #keys: KeyRingReader;
  readonly #subkeys = new Map<string, KeyObject>();
  #ring: KeyRing | undefined;

  constructor(keys: KeyRingReader) {
    this.#keys = keys;
  }

  /**
   * Throws a Transient SealingKeyMissing that names the key, or a Permanent SealBroken where the
   * value was changed or belongs elsewhere.
   */
  open(bytes: Buffer, associated: Uint8Array): Buffer {
    const envelope = parseEnvelope(bytes);
    if (envelope === undefined) throw sealBroken();
    const key = this.#currentRing().need(envelope.keyId);
    const { salt, nonce } = envelope;
    const opened = gcmOpen({ key: this.#subkey(key, salt), nonce, associated }, envelope);
    if (opened === undefined) throw sealBroken();
    return opened;
  }

  #currentRing(): KeyRing {
    const ring = this.#keys.current();
    if (ring !== this.#ring) this.#subkeys.clear();
    this.#ring = ring;
    return ring;
  }

  #subkey(key: SealingKey, salt: Buffer): KeyObject {
    const name = `${key.id} ${salt.toString('latin1')}`;
    const known = this.#subkeys.get(name);
    this.#subkeys.delete(name);
    const found = known ?? subkey(key, salt);
    this.#subkeys.set(name, found);
    const [oldest] = this.#subkeys.keys();
    if (this.#subkeys.size > subkeysMax && oldest !== undefined) this.#subkeys.delete(oldest);
    return found;
  }
}

function sealBroken(): Permanent {
  return new Permanent(
    'SealBroken',
    'A sealed value cannot be opened: it was changed, or was moved from another row or column.',
  );
}
