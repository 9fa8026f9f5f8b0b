/** Streams of byte pieces: regrouped, skipped, read from their start. Memory is a block at a time. */

import { Permanent } from '@millrace/kit/permanent';

export type ByteStream = AsyncGenerator<Buffer, void, undefined>;

/**
 * The bytes from an offset on in blocks of exactly so many bytes, but for the last. What can never be
 * read to its end is handed out as far as it goes before that is said.
 */
export async function* regroup(
  stream: ByteStream,
  { from, blockBytes }: { readonly from: number; readonly blockBytes: number },
): ByteStream {
  let pieces: Buffer[] = [];
  let held = 0;
  let toSkip = from;
  const isOver = { failure: undefined as unknown };
  for await (const piece of untilBroken(stream, isOver)) {
    let rest = piece.subarray(Math.min(toSkip, piece.length));
    toSkip -= piece.length - rest.length;
    while (held + rest.length >= blockBytes) {
      const taken = blockBytes - held;
      yield Buffer.concat([...pieces, rest.subarray(0, taken)], blockBytes);
      rest = rest.subarray(taken);
      pieces = [];
      held = 0;
    }
    if (rest.length > 0) pieces.push(rest);
    held += rest.length;
  }
  if (held > 0) yield Buffer.concat(pieces, held);
  if (isOver.failure !== undefined) throw isOver.failure;
}

/** Ends where a stream is broken for ever; what may get better by waiting is thrown at once. */
async function* untilBroken(stream: ByteStream, over: { failure: unknown }): ByteStream {
  try {
    yield* stream;
  } catch (error) {
    if (!(error instanceof Permanent)) throw error;
    over.failure = error;
  }
}

/** The first bytes; the stream is closed. */
export async function startOf(stream: ByteStream, bytes: number): Promise<Buffer> {
  for await (const block of regroup(stream, { from: 0, blockBytes: bytes })) return block;
  return Buffer.alloc(0);
}
