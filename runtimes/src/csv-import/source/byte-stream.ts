/** Streams of byte pieces: regrouped, skipped, read from their start. Memory is a block at a time. */

export type ByteStream = AsyncGenerator<Buffer, void, undefined>;

/** The bytes from an offset on in blocks of exactly so many bytes, but for the last. */
export async function* regroup(
  stream: ByteStream,
  { from, blockBytes }: { readonly from: number; readonly blockBytes: number },
): ByteStream {
  let pieces: Buffer[] = [];
  let held = 0;
  let toSkip = from;
  for await (const piece of stream) {
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
}

/** The first bytes; the stream is closed. */
export async function startOf(stream: ByteStream, bytes: number): Promise<Buffer> {
  for await (const block of regroup(stream, { from: 0, blockBytes: bytes })) return block;
  return Buffer.alloc(0);
}
