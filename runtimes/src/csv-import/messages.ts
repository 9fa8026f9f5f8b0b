/**
 * The message that announces a chunk, and which messages are refused.
 *
 * A message says which range to load, never rows. What is not exactly version 1 of our JSON is
 * refused as dead letter at once: a future version must not be misread, and garbage must not block
 * the queue.
 */
import { Compile } from 'typebox/compile';
import { chunkMessage, type ChunkMessage } from '@millrace/crds/csv-import';

export const chunkContentType = 'application/json';

const check = Compile(chunkMessage);

export function encodeChunkMessage(message: ChunkMessage): Buffer {
  return Buffer.from(JSON.stringify(message));
}

export type DecodedMessage =
  | { readonly ok: true; readonly message: ChunkMessage }
  | { readonly ok: false; readonly reason: 'ContentType' | 'NotJson' | 'Version' | 'Schema' };

/** Larger than any message of ours: parsing it would be work for nothing. */
const bodyBytesMax = 4_096;

export function decodeChunkMessage(body: Buffer, contentType: string | undefined): DecodedMessage {
  if (contentType !== chunkContentType) return { ok: false, reason: 'ContentType' };
  if (body.length > bodyBytesMax) return { ok: false, reason: 'Schema' };
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    return { ok: false, reason: 'NotJson' };
  }
  if (check.Check(value)) return { ok: true, message: value };
  const isOther = typeof value === 'object' && value !== null && 'v' in value && value.v !== 1;
  return { ok: false, reason: isOther ? 'Version' : 'Schema' };
}

/** A queue of one import, by its number in the ledger. The uid makes it unknown to every other. */
export function queueName(uid: string, number: number): string {
  return `millrace.csv-import.${uid}${number === 1 ? '' : `.${number}`}`;
}
