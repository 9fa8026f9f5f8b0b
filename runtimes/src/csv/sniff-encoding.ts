/**
 * Byte order mark and encoding of a file, from its beginning. Refuses what nothing here can read, and
 * says what it is: compressed files, spreadsheets.
 */

import { Permanent } from '@millrace/kit/permanent';
import type { Encoding } from './dialect.ts';

export interface EncodingGuess {
  readonly encoding: Encoding;
  readonly bomBytes: 0 | 2 | 3;
  readonly reason: string;
}

/** `probes`: pieces from later in the file, for what the beginning does not show. */
export function sniffEncoding(head: Buffer, probes: readonly Buffer[] = []): EncodingGuess {
  const kind = binaryKind(head);
  if (kind !== undefined) {
    throw new Permanent(
      'UnsupportedEncoding',
      `the file is ${kind}, not CSV; extract the CSV first`,
    );
  }
  if (isUtf32(head)) {
    const message = 'the file is UTF-32; convert it to UTF-8, for example with iconv';
    throw new Permanent('UnsupportedEncoding', message);
  }
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) {
    return { encoding: 'UTF-8', bomBytes: 3, reason: 'the file begins with a UTF-8 mark' };
  }
  return sniffUtf16(head) ?? sniffBytes([head, ...probes]);
}

function sniffBytes(pieces: readonly Buffer[]): EncodingGuess {
  let [sequences, invalid] = [0, 0];
  for (const [index, piece] of pieces.entries()) {
    const counts = countUtf8(index === 0 ? piece : fromCharacterStart(piece));
    sequences += counts.sequences;
    invalid += counts.invalid;
  }
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

/** First bytes of what is often given the name of a CSV file. */
const signatures: readonly (readonly [string, string])[] = [
  ['\x1f\x8b\x08', 'compressed with gzip'],
  ['PK\x03\x04', 'a zip archive or a spreadsheet'],
  ['\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', 'an old spreadsheet'],
  ['BZh', 'compressed with bzip2'],
  ['\xfd7zXZ\x00', 'compressed with xz'],
  ['\x28\xb5\x2f\xfd', 'compressed with zstd'],
  ['PAR1', 'in the Parquet format'],
];

/** A text may begin with the same letters, but then it holds no control characters soon after. */
function binaryKind(head: Buffer): string | undefined {
  const start = head.toString('latin1', 0, 8);
  const found = signatures.find(([signature]) => start.startsWith(signature));
  const isText = !head.subarray(0, binarySampleBytes).some((byte) => byte < 0x09);
  return isText ? undefined : found?.[1];
}

function isUtf32(head: Buffer): boolean {
  const mark = head.length < 4 ? 0 : head.readUInt32BE(0);
  return mark === 0x0000feff || mark === 0xfffe0000;
}

const binarySampleBytes = 512;
const utf16SampleBytes = 4096;
/** Latin text in UTF-16 has a NUL in each character; other text at least in commas and line ends. */
const utf16NulsMin = 0.7;
const otherNulsMin = 0.05;
/** A NUL among the characters themselves is damage, as it is elsewhere. */
const strayNulsMax = 0.02;
/** Letters of Europe and the Near East; two ASCII bytes taken for one character are far above. */
const nearCodeUnit = 0x0700;
const lineOrTab = new Set([0x09, 0x0a, 0x0d]);

/**
 * By its mark, or by NULs in every second byte and nowhere else. Read as anything else, every
 * second byte would be a NUL and no cell what it is.
 */
function sniffUtf16(head: Buffer): EncodingGuess | undefined {
  if (head[0] === 0xff && head[1] === 0xfe) return marked('UTF-16LE');
  if (head[0] === 0xfe && head[1] === 0xff) return marked('UTF-16BE');
  const sample = head.subarray(0, Math.min(head.length, utf16SampleBytes) & ~1);
  const [even, odd] = [nulsAt(sample, 0), nulsAt(sample, 1)];
  const [most, least] = [Math.max(even, odd), Math.min(even, odd)];
  const share = most / (sample.length / 2);
  if (least > most * strayNulsMax || most < 2 || !(share >= otherNulsMin)) return undefined;
  const encoding = even > odd ? 'UTF-16BE' : 'UTF-16LE';
  if (share < utf16NulsMin && !isNearText(sample, encoding)) return undefined;
  return { encoding, bomBytes: 0, reason: 'every character takes two bytes' };
}

function marked(encoding: 'UTF-16LE' | 'UTF-16BE'): EncodingGuess {
  return { encoding, bomBytes: 2, reason: `the file begins with a ${encoding} mark` };
}

function nulsAt(sample: Buffer, parity: 0 | 1): number {
  let nuls = 0;
  for (let at = parity; at < sample.length; at += 2) if (sample[at] === 0) nuls += 1;
  return nuls;
}

function isNearText(sample: Buffer, encoding: Encoding): boolean {
  let near = 0;
  for (let at = 0; at < sample.length; at += 2) {
    const unit = encoding === 'UTF-16LE' ? sample.readUInt16LE(at) : sample.readUInt16BE(at);
    if (unit > 0 && unit < 0x20 && !lineOrTab.has(unit)) return false;
    if (unit < nearCodeUnit) near += 1;
  }
  return near >= (sample.length / 2) * 0.9;
}

/** A piece may begin inside a character, of which up to three bytes are left. */
function fromCharacterStart(piece: Buffer): Buffer {
  let at = 0;
  while (at < 3 && ((piece[at] ?? 0) & 0xc0) === 0x80) at += 1;
  return piece.subarray(at);
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
