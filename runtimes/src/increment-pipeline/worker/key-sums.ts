/**
 * The sum of every key of a batch: a hash table over bytes, without an object or a string a key.
 *
 * A value is kept as two halves of 32 bits, each in a double, which are exact for as long as there are
 * fewer than 2^21 values a key: that is why a batch is bounded. Sums may pass 2^63 here; `overflows`
 * says so. The seed differs from process to process, so that nobody can choose keys that collide.
 *
 * Measured with 100,000 values, sorted and encoded: 2 ms with 10 keys and 6 ms with 5,000. A Map from
 * strings of 16 bytes to numbers and, above 2^53, bigints takes 16 and 22 ms.
 */
import { randomInt } from 'node:crypto';
import { itemBytes, keyBytes } from '../stream/entry.ts';

const wordsOfKey = 4;
const half = 0x1_0000_0000;
const slotsFirst = 1_024;

export class KeySums {
  readonly #seed = randomInt(half) | 0;
  /** Number of a key plus one, at a place that follows from its bytes; 0 is free. */
  #slots = new Uint32Array(slotsFirst);
  /** Four words a key, in the order in which keys came. */
  #keys = new Uint32Array((slotsFirst / 2) * wordsOfKey);
  #high = new Float64Array(slotsFirst / 2);
  #low = new Float64Array(slotsFirst / 2);
  #size = 0;

  /** How many keys there are. */
  get size(): number {
    return this.#size;
  }

  /** Adds all items. */
  addAll(items: Buffer): void {
    const view = viewOf(items);
    for (let at = 0; at < items.length; at += itemBytes) this.addOne(view, at);
  }

  addOne(items: DataView, at: number): void {
    const key = this.#find(items, at);
    const high = this.#high[key] ?? 0;
    const low = this.#low[key] ?? 0;
    this.#high[key] = high + items.getUint32(at + keyBytes);
    this.#low[key] = low + items.getUint32(at + keyBytes + 4);
  }

  /** Takes back what `addAll` of the same items has just added, when there were `size` keys. */
  removeLast(items: Buffer, size: number): void {
    const view = viewOf(items);
    for (let at = 0; at < items.length; at += itemBytes) {
      const key = this.#find(view, at);
      this.#high[key] = (this.#high[key] ?? 0) - view.getUint32(at + keyBytes);
      this.#low[key] = (this.#low[key] ?? 0) - view.getUint32(at + keyBytes + 4);
    }
    // Newest first: no key that stays was placed behind one that goes.
    while (this.#size > size) {
      this.#size -= 1;
      this.#slots[this.#slotOf(this.#size)] = 0;
    }
  }

  /** Whether the sum of any key passes what a bigint holds. */
  overflows(): boolean {
    for (let key = 0; key < this.#size; key++) if (this.#overflowsAt(key)) return true;
    return false;
  }

  /** The keys whose sums do, as strings of 16 characters. */
  overflowing(): readonly string[] {
    const found: string[] = [];
    const bytes = Buffer.alloc(keyBytes);
    for (let key = 0; key < this.#size; key++) {
      if (!this.#overflowsAt(key)) continue;
      this.writeKey(key, viewOf(bytes), 0);
      found.push(bytes.toString('latin1'));
    }
    return found;
  }

  /** The keys in the order of their bytes; everybody who locks rows does so in this order. */
  sorted(): Uint32Array {
    const keys = this.#keys;
    const order = new Uint32Array(this.#size);
    // The first 52 bits in one double: they nearly always decide.
    const prefixes = new Float64Array(this.#size);
    for (let key = 0; key < order.length; key++) {
      const word = key * wordsOfKey;
      order[key] = key;
      prefixes[key] = (keys[word] ?? 0) * 0x10_0000 + ((keys[word + 1] ?? 0) >>> 12);
    }
    return order.sort((a, b) => {
      const [left, right] = [prefixes[a] ?? 0, prefixes[b] ?? 0];
      if (left !== right) return left < right ? -1 : 1;
      return this.#compare(a, b);
    });
  }

  /** Writes the 16 bytes of a key. */
  writeKey(key: number, target: DataView, at: number): void {
    for (let word = 0; word < wordsOfKey; word++) {
      target.setUint32(at + 4 * word, this.#keys[key * wordsOfKey + word] ?? 0);
    }
  }

  /** Writes the 8 bytes of a sum, or of the greatest bigint if it is more. */
  writeSum(key: number, target: DataView, at: number): void {
    if (this.#overflowsAt(key)) {
      target.setUint32(at, 0x7fff_ffff);
      target.setUint32(at + 4, 0xffff_ffff);
      return;
    }
    const low = this.#low[key] ?? 0;
    const carry = Math.floor(low / half);
    target.setUint32(at, (this.#high[key] ?? 0) + carry);
    target.setUint32(at + 4, low - carry * half);
  }

  #compare(a: number, b: number): number {
    for (let word = 0; word < wordsOfKey; word++) {
      const left = this.#keys[a * wordsOfKey + word] ?? 0;
      const right = this.#keys[b * wordsOfKey + word] ?? 0;
      if (left !== right) return left < right ? -1 : 1;
    }
    return 0;
  }

  #overflowsAt(key: number): boolean {
    return (this.#high[key] ?? 0) + Math.floor((this.#low[key] ?? 0) / half) >= half / 2;
  }

  /** The number of the key at `at`, which is new if it was not there. */
  #find(items: DataView, at: number): number {
    const a = items.getUint32(at);
    const b = items.getUint32(at + 4);
    const c = items.getUint32(at + 8);
    const d = items.getUint32(at + 12);
    const mask = this.#slots.length - 1;
    const keys = this.#keys;
    let slot = this.#hash({ a, b, c, d }) & mask;
    for (;;) {
      const key = (this.#slots[slot] ?? 0) - 1;
      if (key < 0) return this.#insert(slot, { a, b, c, d });
      const word = key * wordsOfKey;
      if (
        keys[word] === a &&
        keys[word + 1] === b &&
        keys[word + 2] === c &&
        keys[word + 3] === d
      ) {
        return key;
      }
      slot = (slot + 1) & mask;
    }
  }

  #hash({ a, b, c, d }: Words): number {
    let hash = Math.imul(this.#seed ^ a, 0x85eb_ca6b);
    hash = Math.imul(hash ^ (hash >>> 15) ^ b, 0xc2b2_ae35);
    hash = Math.imul(hash ^ (hash >>> 15) ^ c, 0x85eb_ca6b);
    hash = Math.imul(hash ^ (hash >>> 15) ^ d, 0xc2b2_ae35);
    return (hash ^ (hash >>> 15)) >>> 0;
  }

  /** Where the number of a key that is there is. */
  #slotOf(key: number): number {
    const word = key * wordsOfKey;
    const [a = 0, b = 0, c = 0, d = 0] = this.#keys.subarray(word, word + wordsOfKey);
    const mask = this.#slots.length - 1;
    let slot = this.#hash({ a, b, c, d }) & mask;
    while (this.#slots[slot] !== key + 1) slot = (slot + 1) & mask;
    return slot;
  }

  #insert(slot: number, { a, b, c, d }: Words): number {
    const key = this.#size;
    this.#size += 1;
    this.#slots[slot] = key + 1;
    const word = key * wordsOfKey;
    this.#keys[word] = a;
    this.#keys[word + 1] = b;
    this.#keys[word + 2] = c;
    this.#keys[word + 3] = d;
    this.#high[key] = 0;
    this.#low[key] = 0;
    if (this.#size * 2 >= this.#slots.length) this.#grow();
    return key;
  }

  /** At most half of the places are taken, so that searches stay short. */
  #grow(): void {
    const length = this.#slots.length * 2;
    this.#keys = enlarged(this.#keys, new Uint32Array((length / 2) * wordsOfKey));
    this.#high = enlarged(this.#high, new Float64Array(length / 2));
    this.#low = enlarged(this.#low, new Float64Array(length / 2));
    const slots = new Uint32Array(length);
    const keys = this.#keys;
    for (let key = 0; key < this.#size; key++) {
      const [a = 0, b = 0, c = 0, d = 0] = keys.subarray(key * wordsOfKey, (key + 1) * wordsOfKey);
      let slot = this.#hash({ a, b, c, d }) & (length - 1);
      while (slots[slot] !== 0) slot = (slot + 1) & (length - 1);
      slots[slot] = key + 1;
    }
    this.#slots = slots;
  }
}

/** Reads of a DataView become single instructions; those of a Buffer cost twice as much here. */
export function viewOf(items: Buffer): DataView {
  return new DataView(items.buffer, items.byteOffset, items.length);
}

interface Words {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

function enlarged<T extends Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
