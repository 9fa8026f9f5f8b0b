/** Byte order mark and encoding of a file, from its beginning. Refuses what nothing here can read. */

import { Permanent } from '@millrace/kit/permanent';
import type { Encoding } from './dialect.ts';

export interface EncodingGuess {
  readonly encoding: Encoding;
  readonly bomBytes: 0 | 3;
  readonly reason: string;
}

export function sniffEncoding(head: Buffer): EncodingGuess {
  if (isUtf16(head)) {
    const message = 'the file is UTF-16; convert it to UTF-8, for example with iconv';
    throw new Permanent('UnsupportedEncoding', message);
  }
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) {
    return { encoding: 'UTF-8', bomBytes: 3, reason: 'the file begins with a UTF-8 mark' };
  }
  const { sequences, invalid } = countUtf8(head);
  if (invalid === 0) {
    const reason = sequences === 0 ? 'only ASCII was seen' : 'every byte sequence is valid UTF-8';
    return { encoding: 'UTF-8', bomBytes: 0, reason };
  }
  // Valid multi-byte sequences hardly arise by chance, so a few bad bytes among many are damage.
  if (sequences > invalid * 4) {
    return { encoding: 'UTF-8', bomBytes: 0, reason: 'nearly every byte sequence is valid UTF-8' };
  }
  return { encoding: 'Windows-1252', bomBytes: 0, reason: 'bytes are not valid UTF-8' };
}

/** By its mark. Read as anything else, every second byte would be a NUL and no cell what it is. */
function isUtf16(head: Buffer): boolean {
  return (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
}

/** Counts multi-byte sequences; one that is cut off at the end counts as neither. */
function countUtf8(head: Buffer): { sequences: number; invalid: number } {
  let [sequences, invalid] = [0, 0];
  for (let at = 0; at < head.length;) {
    const byte = head[at] as number;
    const length = sequenceBytes(byte);
    let good = 1;
    while (good < length && ((head[at + good] ?? 0) & 0xc0) === 0x80) good += 1;
    if (length > 1 && good === length) sequences += 1;
    else if (byte >= 0x80 && at + good < head.length) invalid += 1;
    at += good;
  }
  return { sequences, invalid };
}

function sequenceBytes(byte: number): number {
  if (byte >= 0xc2 && byte < 0xe0) return 2;
  if (byte >= 0xe0 && byte < 0xf0) return 3;
  return byte >= 0xf0 && byte < 0xf5 ? 4 : 1;
}
