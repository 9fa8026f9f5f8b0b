/**
 * Increments as bytes, the same from the HTTP parser to the worker: 16 of the key, 8 of the value,
 * big-endian. An entry of a stream has one field, whose name is the version of what is in it:
 *
 *   1  items
 *   2  16 bytes request digest, 16 bytes payload digest, items of that one request
 *
 * Whatever else is found there is refused with a reason and never thrown: the worker puts it aside.
 */

export const keyBytes = 16;
export const itemBytes = 24;
export const digestBytes = 16;
export const entryVersions = { items: '1', request: '2' } as const;

export interface Entry {
  readonly id: string;
  /** Empty when the entry has not exactly one field. */
  readonly version: string;
  readonly payload: Buffer;
}

export interface RequestDigests {
  /** Of who asked and the Idempotency-Key. */
  readonly digest: Buffer;
  /** Of what was asked. */
  readonly payloadDigest: Buffer;
}

export type DecodedEntry =
  | { readonly items: Buffer; readonly request?: RequestDigests }
  | { readonly refused: 'Unparsable' | 'UnknownVersion' };

export function decodeEntry({ version, payload }: Entry): DecodedEntry {
  if (version === entryVersions.items) return decoded(payload);
  if (version !== entryVersions.request) return { refused: 'UnknownVersion' };
  if (payload.length < 2 * digestBytes) return { refused: 'Unparsable' };
  return decoded(payload.subarray(2 * digestBytes), {
    digest: payload.subarray(0, digestBytes),
    payloadDigest: payload.subarray(digestBytes, 2 * digestBytes),
  });
}

/** The field's value for a request. */
export function encodeRequest({ digest, payloadDigest }: RequestDigests, items: Buffer): Buffer {
  return Buffer.concat([digest, payloadDigest, items]);
}

function decoded(items: Buffer, request?: RequestDigests): DecodedEntry {
  if (!areItems(items)) return { refused: 'Unparsable' };
  return request === undefined ? { items } : { items, request };
}

/** Values from 1 to 2^63 - 1: the highest bit is free, and not all others are. */
function areItems(items: Buffer): boolean {
  if (items.length === 0 || items.length % itemBytes !== 0) return false;
  for (let at = keyBytes; at < items.length; at += itemBytes) {
    const high = items.readUInt32BE(at);
    if (high >= 0x8000_0000) return false;
    if (high === 0 && items.readUInt32BE(at + 4) === 0) return false;
  }
  return true;
}
