/** The raw bytes of a reject, whether they were sealed or not. */
import { rejectPlace } from '../../sealing/associated-data.ts';
import type { Opener } from '../../sealing/opener.ts';

export interface StoredReject {
  readonly table: string;
  readonly import: string;
  readonly recordOffset: number;
  readonly raw: Buffer;
  readonly isSealed: boolean;
}

/** Throws what the opener throws where a key is missing or the bytes were changed. */
export function rejectBytes(opener: Opener, reject: StoredReject): Buffer {
  const { table, import: uid, recordOffset, raw, isSealed } = reject;
  return isSealed ? opener.open(raw, rejectPlace(table, uid, recordOffset)) : raw;
}
