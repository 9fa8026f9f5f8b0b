/**
 * Deals moments so that a run meets all of them before it meets one again, in an order that its seed
 * fixes. A phase without a moment for the chosen victims borrows from the work.
 */
import { moments, type Moment, type Phase, type TargetName } from './moments.ts';
import type { Variant } from './manifest.ts';
import type { Random } from '../../load/random.ts';

export class Deck {
  readonly #random: Random;
  readonly #all: readonly Moment[];
  readonly #left = new Map<Phase, Moment[]>();

  constructor(only: readonly TargetName[], random: Random) {
    this.#random = random;
    this.#all = moments.filter(({ target }) => only.includes(target));
  }

  /** Undefined when there is nothing that this import could meet. */
  deal(wanted: Phase, variant: Variant): Moment | undefined {
    const phase = this.#all.some((moment) => moment.phase === wanted) ? wanted : 'work';
    const fits = (moment: Moment): boolean => moment.target !== 'redis' || variant.cache !== 'Off';
    const left = this.#left.get(phase) ?? [];
    if (!left.some(fits)) {
      left.push(...this.#random.shuffled(this.#all.filter((moment) => moment.phase === phase)));
    }
    const at = left.findIndex(fits);
    this.#left.set(phase, left);
    return at < 0 ? undefined : left.splice(at, 1)[0];
  }
}
