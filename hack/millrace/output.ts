/**
 * Standard output for commands that print a lot: gathers lines into large writes, waits when the
 * reader is slow, and ends the process quietly when the reader is gone (`| head`).
 */

import { once } from 'node:events';

/** Large enough that writes are rare, small enough to be nothing beside a chunk. */
const gatheredCharactersMax = 256 << 10;

export class Output {
  readonly #stream: NodeJS.WriteStream;
  #gathered: string[] = [];
  #characters = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // The reader has what it wanted: nothing is wrong and nobody is left to tell.
      if (error.code === 'EPIPE') process.exit(0);
      throw error;
    });
  }

  line(text: string): void {
    this.#gathered.push(text);
    this.#characters += text.length + 1;
    if (this.#characters >= gatheredCharactersMax) this.#write();
  }

  /** Resolves when the reader has taken enough for more to be made. */
  async drain(): Promise<void> {
    if (this.#stream.writableNeedDrain) await once(this.#stream, 'drain');
  }

  /** Resolves when everything has been handed to the system. */
  async flush(): Promise<void> {
    this.#write();
    await new Promise<void>((resolve) => this.#stream.write('', () => resolve()));
  }

  #write(): void {
    if (this.#gathered.length === 0) return;
    this.#stream.write(`${this.#gathered.join('\n')}\n`);
    this.#gathered = [];
    this.#characters = 0;
  }
}
