/**
 * Arrays as Postgres takes them in binary: a Buffer given as a value travels as it is. Half the bytes
 * of text, no hexadecimal digits to make here and to read there.
 */
import { viewOf, type KeySums } from './key-sums.ts';

const uuidOid = 2950;
const bigintOid = 20;
const byteaOid = 17;
const headerBytes = 20;
const lengthBytes = 4;

function startArray(oid: number, count: number, bodyBytes: number): Buffer {
  const bytes = Buffer.allocUnsafe(headerBytes + bodyBytes);
  bytes.writeInt32BE(1, 0);
  bytes.writeInt32BE(0, 4);
  bytes.writeInt32BE(oid, 8);
  bytes.writeInt32BE(count, 12);
  bytes.writeInt32BE(1, 16);
  return bytes;
}

/** The keys as uuid[] and the sums as bigint[], in the order of the keys. */
export function sumArrays(sums: KeySums): { readonly keys: Buffer; readonly values: Buffer } {
  const order = sums.sorted();
  const keys = startArray(uuidOid, order.length, order.length * (lengthBytes + 16));
  const values = startArray(bigintOid, order.length, order.length * (lengthBytes + 8));
  const [keysView, valuesView] = [viewOf(keys), viewOf(values)];
  let keyAt = headerBytes;
  let valueAt = headerBytes;
  for (const key of order) {
    keysView.setInt32(keyAt, 16);
    sums.writeKey(key, keysView, keyAt + lengthBytes);
    keyAt += lengthBytes + 16;
    valuesView.setInt32(valueAt, 8);
    sums.writeSum(key, valuesView, valueAt + lengthBytes);
    valueAt += lengthBytes + 8;
  }
  return { keys, values };
}

export function byteaArray(parts: readonly Buffer[]): Buffer {
  const body = parts.reduce((bytes, part) => bytes + lengthBytes + part.length, 0);
  const array = startArray(byteaOid, parts.length, body);
  let at = headerBytes;
  for (const part of parts) {
    array.writeInt32BE(part.length, at);
    part.copy(array, at + lengthBytes);
    at += lengthBytes + part.length;
  }
  return array;
}
