/**
 * Byte order mark and encoding of a file, from its beginning. Refuses what nothing here can read, and
 * says what it is (`sniff-kind.ts`).
 */

import { Permanent } from '@millrace/kit/permanent';
import type { Encoding } from './dialect.ts';
import { LF } from './line-end.ts';
import { documentKind, knownKind, likelyKind } from './sniff-kind.ts';

export interface EncodingGuess {
  readonly encoding: Encoding;
  readonly bomBytes: 0 | 2 | 3;
  readonly reason: string;
}

export interface EncodingHints {
  /** Pieces from later in the file, for what the beginning does not show. */
  readonly probes?: readonly Buffer[];
  /** What the format says: then the look of the bytes does not matter. */
  readonly given?: Encoding | undefined;
}

export function sniffEncoding(head: Buffer, { probes = [], given }: EncodingHints): EncodingGuess {
  refuse(knownKind(head) ?? (given === undefined ? documentKind(head) : undefined));
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) {
    return { encoding: 'UTF-8', bomBytes: 3, reason: 'the file begins with a UTF-8 mark' };
  }
  const utf16 = sniffUtf16(head);
  if (utf16 !== undefined) return utf16;
  if (given === undefined) refuse(likelyKind(head));
  return sniffBytes([head, ...probes]);
}

function refuse(kind: string | undefined): void {
  if (kind !== undefined) throw new Permanent('UnsupportedEncoding', `the file is ${kind}`);
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
  const isText = isNearText(sample, encoding) || hasWideLineEnds(sample, encoding);
  if (share < utf16NulsMin && !isText) return undefined;
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
  for (const unit of unitsOf(sample, encoding)) {
    if (unit > 0 && unit < 0x20 && !lineOrTab.has(unit)) return false;
    if (unit < nearCodeUnit) near += 1;
  }
  return near >= (sample.length / 2) * 0.9;
}

/** Whether most bytes that could be line ends are one with the NUL beside them: far letters, then. */
function hasWideLineEnds(sample: Buffer, encoding: Encoding): boolean {
  const wide = unitsOf(sample, encoding).filter((unit) => unit === LF).length;
  const bytes = sample.filter((byte) => byte === LF).length;
  return wide > 0 && wide >= bytes / 2;
}

function unitsOf(sample: Buffer, encoding: Encoding): number[] {
  return Array.from({ length: sample.length / 2 }, (_, index) =>
    encoding === 'UTF-16LE' ? sample.readUInt16LE(2 * index) : sample.readUInt16BE(2 * index),
  );
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
