/**
 * The keys of a load, the same for the same seed, each found by its index without the others; pure.
 * They are as scattered as random UUIDs, which is the hard case for an index. Each has its own value,
 * so that a sum says how often its key was counted.
 */

export interface KeySet {
  readonly seed: number;
  readonly many: number;
}

const uuidBytes = 16;
/** Where a UUID's text has its hyphens, in bytes. */
const groups = [0, 4, 6, 8, 10, 16];

export function keyAt({ seed }: KeySet, index: number): string {
  const bytes = Buffer.allocUnsafe(uuidBytes);
  for (let word = 0; word < 4; word += 1) {
    bytes.writeUInt32BE(mixed(Math.imul(seed * 4 + word + 1, 0x9e_37_79_b1) ^ index), word * 4);
  }
  const hex = bytes.toString('hex');
  return groups
    .slice(1)
    .map((end, group) => hex.slice((groups[group] ?? 0) * 2, end * 2))
    .join('-');
}

export function valueAt(index: number): number {
  return 1 + (index % 9);
}

/** A bijection of 32 bits (the finaliser of MurmurHash3): no two indexes give the same key. */
function mixed(word: number): number {
  let bits = word;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85_eb_ca_6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2_b2_ae_35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
