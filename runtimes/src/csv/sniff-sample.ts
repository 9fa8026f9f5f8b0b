/**
 * The bytes that candidates are read from: the beginning of the file as UTF-8, in whole lines,
 * without its mark, a separator hint and the preamble that the format gives. What every dialect has
 * in common is decided here, so that candidates differ only in what has to be found.
 */

import { fixed, type Encoding, type FormatSpec } from './dialect.ts';
import { decodeLossily } from './encoding.ts';
import { afterLines, CR, LF } from './line-end.ts';
import { separatorHint, type SeparatorHint } from './separator-hint.ts';
import { sniffEncoding, type EncodingGuess } from './sniff-encoding.ts';

export interface Sample {
  readonly bytes: Buffer;
  /** Whether the file goes on after the bytes. */
  readonly isCut: boolean;
  readonly encoding: Encoding;
  readonly guess: EncodingGuess;
  readonly hint: SeparatorHint | undefined;
  /** Pieces from later in the file, also as whole lines. */
  readonly later: readonly Buffer[];
}

export interface SampleOptions {
  readonly isWholeFile: boolean;
  readonly probes?: readonly Buffer[];
}

const sampleBytesMax = 1 << 20;

export function takeSample(
  head: Buffer,
  format: FormatSpec,
  { isWholeFile, probes = [] }: SampleOptions,
): Sample {
  const given = fixed(format.encoding);
  const guess = sniffEncoding(head, { probes, given });
  const encoding = given ?? guess.encoding;
  const isCut = !isWholeFile || head.length > sampleBytesMax;
  const text = utf8Of(head.subarray(guess.bomBytes, sampleBytesMax), encoding);
  const whole = isCut ? wholeLines(text) : text;
  const hint = separatorHint(whole, 'UTF-8');
  return {
    bytes: withoutLines(whole.subarray(hint?.bytes ?? 0), format.preambleLines ?? 0),
    isCut,
    encoding,
    guess,
    hint,
    later: probes.map((probe) => innerLines(utf8Of(probe, encoding))),
  };
}

/** The whole lines of a sample that ends anywhere; all of it if it is one line. */
export function wholeLines(sample: Buffer): Buffer {
  const end = lastLineEnd(sample);
  return end < 0 ? sample : sample.subarray(0, end + 1);
}

/** The same of a piece that also begins anywhere; nothing if no line of it is whole. */
function innerLines(piece: Buffer): Buffer {
  const [lf, cr] = [piece.indexOf(LF), piece.indexOf(CR)];
  const first = lf < 0 ? cr : lf;
  return piece.subarray(first + 1, lastLineEnd(piece) + 1);
}

function lastLineEnd(bytes: Buffer): number {
  return Math.max(bytes.lastIndexOf(LF), bytes.lastIndexOf(CR));
}

export function withoutLines(sample: Buffer, lines: number): Buffer {
  return sample.subarray(afterLines(sample, lines).at);
}

/** Damaged UTF-8 stays as it is, so that readings still see where it is damaged. */
function utf8Of(bytes: Buffer, encoding: Encoding): Buffer {
  return encoding === 'UTF-8' ? bytes : Buffer.from(decodeLossily(bytes, encoding));
}
