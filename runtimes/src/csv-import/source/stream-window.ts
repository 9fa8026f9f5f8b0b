/**
 * The part of a stream that is being cut and loaded: pulled block by block, kept until it is released.
 *
 * A chunk is known only when its end was seen, so its bytes wait here. Of what cannot be a chunk that
 * anybody holds in memory (more than `bytesMax` without a release: a record that is too long) only the
 * beginning and the last block are kept.
 */
import { createHash } from 'node:crypto';
import type { ByteStream } from './byte-stream.ts';
import type { SourceRange } from './source.ts';

/** Before the released place; whoever counts lines looks back so far. */
const lookBackBytes = 65_536;
/** Of a record that is too long, for its reject. */
const beginningBytes = 65_536;

interface Held {
  readonly offset: number;
  readonly bytes: Buffer;
}

export interface WindowOptions {
  /** The offset of the stream's first byte. */
  readonly start: number;
  readonly bytesMax: number;
  /** Ends the waiting for a block. */
  readonly signal: AbortSignal;
}

export class StreamWindow {
  readonly #stream: ByteStream;
  readonly #bytesMax: number;
  readonly #signal: AbortSignal;
  #held: Held[] = [];
  #released: number;
  #end: number;

  constructor(stream: ByteStream, { start, bytesMax, signal }: WindowOptions) {
    this.#stream = stream;
    this.#bytesMax = bytesMax;
    this.#signal = signal;
    this.#released = start;
    this.#end = start;
  }

  /** Where the stream is. */
  get end(): number {
    return this.#end;
  }

  /** The next block; undefined at the end, or when the signal aborts while it is waited for. */
  async pull(): Promise<Buffer | undefined> {
    const next = await unlessAborted(this.#stream.next(), this.#signal);
    if (next === undefined || next.done === true) return undefined;
    const bytes = next.value;
    this.#held.push({ offset: this.#end, bytes });
    this.#end += bytes.length;
    if (this.#end - this.#released > this.#bytesMax) this.#thin();
    return bytes;
  }

  /** A copy of the bytes, or undefined if they are not all here. */
  copy({ offset, length, into }: SourceRange): Buffer | undefined {
    const pieces = this.#pieces(offset, length);
    if (pieces === undefined) return undefined;
    const fits = into !== undefined && into.length >= length;
    const copied = fits ? into.subarray(0, length) : Buffer.allocUnsafe(length);
    let filled = 0;
    for (const piece of pieces) filled += piece.copy(copied, filled);
    return copied;
  }

  /** SHA-256 of the bytes, or undefined if they are not all here. */
  digest({ offset, length }: SourceRange): Buffer | undefined {
    const hash = createHash('sha256');
    const pieces = this.#pieces(offset, length);
    pieces?.forEach((piece) => hash.update(piece));
    return pieces === undefined ? undefined : hash.digest();
  }

  /** Nothing before the offset is asked for any more, but for a look back. */
  release(offset: number): void {
    this.#released = offset;
    const keepFrom = offset - lookBackBytes;
    this.#held = this.#held.filter((held) => held.offset + held.bytes.length > keepFrom);
  }

  close(): void {
    this.#held = [];
    // A block that is still waited for comes or times out by itself.
    this.#stream.return().catch(() => undefined);
  }

  #pieces(offset: number, length: number): readonly Buffer[] | undefined {
    const pieces: Buffer[] = [];
    let at = offset;
    for (const held of this.#held) {
      if (at < held.offset || at === offset + length) break;
      const piece = held.bytes.subarray(at - held.offset, offset + length - held.offset);
      pieces.push(piece);
      at += piece.length;
    }
    return at === offset + length ? pieces : undefined;
  }

  #thin(): void {
    const last = this.#held.at(-1);
    const bytes = this.copy({ offset: this.#released, length: beginningBytes });
    if (last === undefined || bytes === undefined) return;
    this.#held = [{ offset: this.#released, bytes }, last];
  }
}

/**
 * The result, or undefined as soon as the signal aborts. A promise for the whole stream would not do:
 * while it is pending it holds every result that it was raced with.
 */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const { promise: aborted, resolve } = Promise.withResolvers<undefined>();
  const abort = (): void => resolve(undefined);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([aborted, work]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
