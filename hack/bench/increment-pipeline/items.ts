/** Batches as they are in memory between gateway and worker: 16 bytes of the key, 8 of the value; pure. */
import { keyAt, valueAt, type KeySet } from './keys.ts';

export const itemKeyBytes = 16;
export const itemBytes = 24;

/** One item for each of these keys, in this order. */
export function itemsOf(keys: KeySet, indexes: readonly number[]): Buffer {
  const items = Buffer.allocUnsafe(indexes.length * itemBytes);
  for (const [place, index] of indexes.entries()) {
    const at = place * itemBytes;
    items.write(keyAt(keys, index).replaceAll('-', ''), at, 'hex');
    items.writeBigInt64BE(BigInt(valueAt(index)), at + itemKeyBytes);
  }
  return items;
}

export function uuidText(items: Buffer, at: number): string {
  const hex = items.toString('hex', at, at + itemKeyBytes);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
