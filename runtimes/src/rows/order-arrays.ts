/**
 * The arrays from which the order of a chunk's rows is made, kept from chunk to chunk: for 200,000 rows
 * they take 4 MB, and of such garbage V8 lets many chunks' gather before it looks for any.
 *
 * The sort is a radix sort of the rows by two words each, 16 bits at a time, and stable.
 */

/** More than asked for, since chunks of one file have about as many rows. */
const sparePart = 1.1;

export class OrderArrays {
  /** By row: the first word of its key, and the second. */
  high = new Uint32Array(0);
  low = new Uint32Array(0);
  #repeats = new Uint8Array(0);
  #from = new Uint32Array(0);
  #to = new Uint32Array(0);
  readonly #counts = new Uint32Array(0x1_0000);
  #count = 0;

  /** For so many rows; what was handed out before is overwritten. */
  begin(count: number): void {
    this.#count = count;
    if (count > this.high.length) {
      const room = Math.ceil(count * sparePart);
      this.high = new Uint32Array(room);
      this.low = new Uint32Array(room);
      this.#from = new Uint32Array(room);
      this.#to = new Uint32Array(room);
      this.#repeats = new Uint8Array(room);
    }
    this.#repeats.fill(0, 0, count);
  }

  /** Row numbers by their words, then as they came. */
  sort(): Uint32Array {
    const { high, low } = this;
    for (let row = 0; row < this.#count; row += 1) this.#from[row] = row;
    this.#sortBy(low, 0);
    this.#sortBy(low, 16);
    this.#sortBy(high, 0);
    this.#sortBy(high, 16);
    return this.#from.subarray(0, this.#count);
  }

  /** By place in the order; 0 at first. It ends with the rows: who looks behind it must find nothing. */
  get repeats(): Uint8Array {
    return this.#repeats.subarray(0, this.#count);
  }

  /** What the sort has no more use for. */
  get room(): Uint32Array {
    return this.#to.subarray(0, this.#count);
  }

  /** One pass of a counting sort, on 16 bits of a word. */
  #sortBy(words: Uint32Array, shift: number): void {
    const count = this.#count;
    const counts = this.#counts;
    counts.fill(0);
    for (let row = 0; row < count; row += 1) {
      const value = ((words[row] as number) >>> shift) & 0xffff;
      counts[value] = (counts[value] as number) + 1;
    }
    // Half of all passes see one value only and change nothing.
    if (count === 0 || counts[((words[0] as number) >>> shift) & 0xffff] === count) return;
    let sum = 0;
    for (let value = 0; value < counts.length; value += 1) {
      const rows = counts[value] as number;
      counts[value] = sum;
      sum += rows;
    }
    const [from, to] = [this.#from, this.#to];
    for (let place = 0; place < count; place += 1) {
      const row = from[place] as number;
      const value = ((words[row] as number) >>> shift) & 0xffff;
      const at = counts[value] as number;
      to[at] = row;
      counts[value] = at + 1;
    }
    [this.#from, this.#to] = [to, from];
  }
}
