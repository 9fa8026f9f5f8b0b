/**
 * Spreadsheets write and obey a first line `sep=;` that names the delimiter. It is no record: it is
 * skipped like a comment.
 */

import type { Encoding } from './dialect.ts';
import { decodeLossily, encodeText } from './encoding.ts';

export interface SeparatorHint {
  readonly delimiter: string;
  /** The length of the line with its line end. */
  readonly bytes: number;
}

const hintBytesMax = 32;

/** `start`: what follows the mark. */
export function separatorHint(start: Buffer, encoding: Encoding): SeparatorHint | undefined {
  const text = decodeLossily(start.subarray(0, hintBytesMax), encoding);
  const found = /^"?sep=([^\r\n"])"?(\r\n|\r|\n)/iu.exec(text);
  if (found?.[1] === undefined) return undefined;
  return { delimiter: found[1], bytes: encodeText(found[0], encoding)?.length ?? 0 };
}
