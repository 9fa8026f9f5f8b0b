/**
 * Deals moments so that a run meets all of them before it meets one again, in an order that its seed
 * fixes. A phase without a moment for the chosen victims borrows from the work.
 */
import type { Random } from '../../load/random.ts';
import { Pile } from '../pile.ts';
import type { Variant } from './manifest.ts';
import { moments, type Moment, type Phase, type TargetName } from './moments.ts';

export class Deck {
  readonly #random: Random;
  readonly #all: readonly Moment[];
  readonly #piles = new Map<Phase, Pile<Moment>>();

  constructor(only: readonly TargetName[], random: Random) {
    this.#random = random;
    this.#all = moments.filter(({ target }) => only.includes(target));
  }

  /** Undefined when there is nothing that this import could meet. */
  deal(wanted: Phase, variant: Variant): Moment | undefined {
    const phase = this.#all.some((moment) => moment.phase === wanted) ? wanted : 'work';
    const ofPhase = this.#all.filter((moment) => moment.phase === phase);
    const pile = this.#piles.get(phase) ?? new Pile(ofPhase, this.#random);
    this.#piles.set(phase, pile);
    return pile.deal((moment) => moment.target !== 'redis' || variant.cache !== 'Off');
  }
}
