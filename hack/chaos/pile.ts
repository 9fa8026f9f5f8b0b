/** Deals all of its items, in an order that the seed fixes, before it deals one of them again. */
import type { Random } from '../load/random.ts';

export class Pile<Item> {
  readonly #items: readonly Item[];
  readonly #random: Random;
  #left: Item[] = [];

  constructor(items: readonly Item[], random: Random) {
    this.#items = items;
    this.#random = random;
  }

  /** Passes over what does not fit now; that stays on the pile. Undefined when nothing fits. */
  deal(fits: (item: Item) => boolean = () => true): Item | undefined {
    if (!this.#left.some(fits)) this.#left.push(...this.#random.shuffled(this.#items));
    const at = this.#left.findIndex(fits);
    return at < 0 ? undefined : this.#left.splice(at, 1)[0];
  }
}
