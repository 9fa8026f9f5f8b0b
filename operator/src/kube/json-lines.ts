/**
 * Cuts a stream of bytes into lines of JSON, whatever pieces it arrives in.
 *
 * Lines are cut in bytes, so that a character split between two pieces stays whole. A line beyond the
 * bound or one that does not parse is an error: an event that is dropped silently is lost for ever.
 */
export class JsonLines {
  readonly #lineBytesMax: number;
  #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
  }

  /** Whether a line has begun and not ended. */
  get isInLine(): boolean {
    return this.#bytes > 0;
  }

  *take(chunk: Buffer): Generator<unknown, void, undefined> {
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(newline, from);
      if (end === -1) break;
      this.#keep(chunk.subarray(from, end));
      from = end + 1;
      const line = this.#pieces.length === 1 ? this.#pieces[0] : Buffer.concat(this.#pieces);
      this.#pieces = [];
      this.#bytes = 0;
      if (line !== undefined && line.length > 0) yield JSON.parse(line.toString('utf8'));
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from));
  }

  #keep(piece: Buffer): void {
    this.#bytes += piece.length;
    if (this.#bytes > this.#lineBytesMax) {
      throw new RangeError(`a line is longer than ${this.#lineBytesMax} bytes`);
    }
    this.#pieces.push(piece);
  }
}

const newline = 0x0a;
