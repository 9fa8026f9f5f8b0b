/**
 * Which partition 16 bytes belong to. Keys of users are not always random (times at the front,
 * counters at the end), so all bytes are mixed. Digests of requests must find the same partition for
 * ever, since their repetitions are recognised there: the function never changes.
 */
export function partitionOf(bytes: Buffer, at: number, partitions: number): number {
  let hash = 0x9e37_79b9;
  for (let word = at; word < at + 16; word += 4) {
    hash = Math.imul(hash ^ bytes.readInt32LE(word), 0x85eb_ca6b);
    hash ^= hash >>> 13;
  }
  hash = Math.imul(hash, 0xc2b2_ae35);
  hash ^= hash >>> 16;
  return (hash >>> 0) % partitions;
}
