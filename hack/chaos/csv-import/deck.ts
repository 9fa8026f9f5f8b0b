/**
 * Deals moments so that a run meets all of them before it meets one again, in an order that its seed
 * fixes. A phase without a moment for the chosen victims borrows from the work.
 */
import type { Random } from '../../load/random.ts';
import { Pile } from '../pile.ts';
import type { Variant } from './manifest.ts';
import { fits, moments, type Moment, type Phase, type TargetName } from './moments.ts';

export class Deck {
  readonly #random: Random;
  readonly #all: readonly Moment[];
  readonly #piles = new Map<string, Pile<Moment>>();

  constructor(only: readonly TargetName[], random: Random) {
    this.#random = random;
    this.#all = moments.filter(({ target }) => only.includes(target));
  }

  /** Without moments an import can only be left in peace. */
  get isEmpty(): boolean {
    return this.#all.length === 0;
  }

  /** Undefined when there is nothing that this import could meet. */
  deal(wanted: Phase, variant: Variant): Moment | undefined {
    const fitting = this.#all.filter((moment) => fits(moment, variant));
    const phase = fitting.some((moment) => moment.phase === wanted) ? wanted : 'work';
    // What no import of this kind can meet would only fill its pile.
    const source = variant.source === 'Gzip' ? 'Gzip' : 'S3';
    const any = { ...variant, cache: 'Invalidate', source } as const;
    const ofPhase = this.#all.filter((one) => one.phase === phase && fits(one, any));
    const name = `${phase} ${variant.isProxied ? 'proxied' : 'direct'} ${source}`;
    const pile = this.#piles.get(name) ?? new Pile(ofPhase, this.#random);
    this.#piles.set(name, pile);
    return pile.deal((moment) => fits(moment, variant));
  }
}
