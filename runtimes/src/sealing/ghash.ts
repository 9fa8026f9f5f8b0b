/**
 * GHASH, the authenticating half of GCM, for many short messages under one key.
 *
 * It multiplies by tables of 256 entries, so its time depends on what it hashes. That is acceptable only
 * for sealing in bulk, where nobody can send a message and time it; what is opened for callers is
 * opened by node:crypto.
 */

const blockBytes = 16;
const tableSize = 256;
const bitsOfByte = 8;
/** x^128 + x^7 + x^2 + x + 1, the lowest power first. */
const polynomial = 0xe100_0000;

/** What the eight bits that leave at the low end add at the high end. */
const reductions = makeReductions();

export class Ghash {
  /** Four words for each value of a byte: its product with the key. */
  readonly #table = new Int32Array(tableSize * 4);
  readonly #state = new Int32Array(4);

  /** The cipher of sixteen zero bytes. */
  constructor(key: Buffer) {
    const table = this.#table;
    let a = key.readInt32BE(0);
    let b = key.readInt32BE(4);
    let c = key.readInt32BE(8);
    let d = key.readInt32BE(12);
    // The first bit of a byte is the coefficient of the lowest power.
    for (let bit = 0x80; bit > 0; bit >>>= 1) {
      table.set([a, b, c, d], bit * 4);
      const carry = (d & 1) === 1 ? polynomial : 0;
      d = (d >>> 1) | (c << 31);
      c = (c >>> 1) | (b << 31);
      b = (b >>> 1) | (a << 31);
      a = (a >>> 1) ^ carry;
    }
    for (let high = 2; high < tableSize; high <<= 1) {
      for (let low = 1; low < high; low += 1) {
        for (let word = 0; word < 4; word += 1) {
          const sum = (table[high * 4 + word] as number) ^ (table[low * 4 + word] as number);
          table[(high + low) * 4 + word] = sum;
        }
      }
    }
  }

  begin(): void {
    this.#state.fill(0);
  }

  /** The last block is filled up with zeros. */
  update(bytes: Uint8Array, start: number, end: number): void {
    const state = this.#state;
    for (let at = start; at < end; at += blockBytes) {
      const room = Math.min(blockBytes, end - at);
      for (let index = 0; index < room; index += 1) {
        const byte = bytes[at + index] as number;
        state[index >> 2] = (state[index >> 2] as number) ^ (byte << (24 - (index & 3) * 8));
      }
      this.#multiply();
    }
  }

  /** Ends the message; the hash is in the state's words then. */
  finish(lengths: { readonly associated: number; readonly ciphertext: number }): Int32Array {
    const state = this.#state;
    state[1] = (state[1] as number) ^ (lengths.associated * bitsOfByte);
    state[3] = (state[3] as number) ^ (lengths.ciphertext * bitsOfByte);
    this.#multiply();
    return state;
  }

  /** The state by the key: Horner's rule over the state's bytes, the last of them first. */
  #multiply(): void {
    const state = this.#state;
    const table = this.#table;
    let z0 = 0;
    let z1 = 0;
    let z2 = 0;
    let z3 = 0;
    for (let word = 3; word >= 0; word -= 1) {
      const value = state[word] as number;
      for (let shift = 0; shift < 32; shift += bitsOfByte) {
        const at = ((value >>> shift) & 0xff) * 4;
        const leaving = z3 & 0xff;
        z3 = ((z3 >>> 8) | (z2 << 24)) ^ (table[at + 3] as number);
        z2 = ((z2 >>> 8) | (z1 << 24)) ^ (table[at + 2] as number);
        z1 = ((z1 >>> 8) | (z0 << 24)) ^ (table[at + 1] as number);
        z0 = (z0 >>> 8) ^ (reductions[leaving] as number) ^ (table[at] as number);
      }
    }
    state[0] = z0;
    state[1] = z1;
    state[2] = z2;
    state[3] = z3;
  }
}

/** A bit that leaves comes back as 0xe1 at the top, moved on by the steps that follow. */
function makeReductions(): Int32Array {
  const made = new Int32Array(tableSize);
  for (let byte = 0; byte < tableSize; byte += 1) {
    let low = byte;
    let top = 0;
    for (let step = 0; step < bitsOfByte; step += 1) {
      top = (top >>> 1) ^ ((low & 1) === 1 ? polynomial : 0);
      low >>>= 1;
    }
    made[byte] = top;
  }
  return made;
}
