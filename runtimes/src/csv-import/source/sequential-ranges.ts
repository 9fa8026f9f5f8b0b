/**
 * Ranges of a stream: each is read on from where the last one ended, or from the start again if it
 * lies before that.
 *
 * Whoever asks in ascending order (verification, one chunk in a process of its own) reads the stream
 * once. One reading at a time; others wait for it. Memory: one piece of the stream.
 */
import { contentChanged } from './changed.ts';
import type { ByteStream } from './byte-stream.ts';
import type { SequentialIdentity, SourceRange } from './source.ts';

export class SequentialRanges {
  readonly #open: (pinned: SequentialIdentity) => ByteStream;
  readonly #label: string;
  #stream: ByteStream | undefined;
  /** What was read and not handed out, and where in the stream it begins. */
  #rest: Buffer = Buffer.alloc(0);
  #at = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(open: (pinned: SequentialIdentity) => ByteStream, label: string) {
    this.#open = open;
    this.#label = label;
  }

  async read(pinned: SequentialIdentity, range: SourceRange): Promise<Buffer> {
    return await this.#alone(() => this.#read(pinned, range));
  }

  /** Reads on to the end: how many bytes there are. */
  async length(pinned: SequentialIdentity): Promise<number> {
    return await this.#alone(async () => {
      const stream = (this.#stream ??= this.#open(pinned));
      let length = this.#at + this.#rest.length;
      try {
        for await (const piece of stream) length += piece.length;
        return length;
      } finally {
        await this.#close();
      }
    });
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    const reading = this.#last.then(work);
    this.#last = reading.catch(() => undefined);
    return await reading;
  }

  async #read(pinned: SequentialIdentity, range: SourceRange): Promise<Buffer> {
    const { offset, length, into } = range;
    const fits = into !== undefined && into.length >= length;
    const bytes = fits ? into.subarray(0, length) : Buffer.allocUnsafe(length);
    try {
      const stream = await this.#reach(pinned, offset);
      let filled = 0;
      while (filled < length) {
        const taken = this.#rest.copy(bytes, filled);
        filled += taken;
        this.#skip(taken);
        if (filled < length) await this.#pull(stream);
      }
      return bytes;
    } catch (error) {
      await this.#close();
      throw error;
    }
  }

  /** The stream, with `offset` as its next byte. */
  async #reach(pinned: SequentialIdentity, offset: number): Promise<ByteStream> {
    if (offset < this.#at) await this.#close();
    const stream = (this.#stream ??= this.#open(pinned));
    while (this.#at < offset) {
      if (this.#rest.length === 0) await this.#pull(stream);
      this.#skip(Math.min(this.#rest.length, offset - this.#at));
    }
    return stream;
  }

  #skip(bytes: number): void {
    this.#rest = this.#rest.subarray(bytes);
    this.#at += bytes;
  }

  async #pull(stream: ByteStream): Promise<void> {
    const next = await stream.next();
    // The plan was made of this content; when it was longer, it was another one.
    if (next.done === true) throw contentChanged(this.#label);
    this.#rest = next.value;
  }

  async #close(): Promise<void> {
    const stream = this.#stream;
    this.#stream = undefined;
    this.#rest = Buffer.alloc(0);
    this.#at = 0;
    await stream?.return();
  }
}
