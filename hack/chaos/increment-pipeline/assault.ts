/**
 * Strikes one after the other, as the seed deals them, all before one comes again. Every third time
 * the next one comes while a server is still away.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../load/random.ts';
import { Pile } from '../pile.ts';
import type { Load } from './load.ts';
import type { Scene } from './scene.ts';
import { strikes, type Strike } from './strikes.ts';

export interface Struck {
  readonly strike: Strike;
  readonly atSeconds: number;
  readonly isHit: boolean;
  readonly detail: string;
}

export interface AssaultOptions {
  readonly scene: Scene;
  readonly load: Load;
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly startedMs: number;
  /** Before it is known what a strike meets. */
  readonly began: (strike: Strike) => void;
  readonly tell: (struck: Struck) => void;
}

const restMs = { least: 1_000, most: 8_000 } as const;
const impatience = 1 / 3;

export class Assault {
  readonly struck: Struck[] = [];
  readonly #options: AssaultOptions;
  #repaired: Promise<void> = Promise.resolve();

  constructor(options: AssaultOptions) {
    this.#options = options;
  }

  get hits(): number {
    return this.struck.filter(({ isHit }) => isHit).length;
  }

  /** Resolves after the signal has aborted and everything that was taken is back. */
  async run(): Promise<void> {
    const { random, signal, scene } = this.#options;
    const { only } = scene.options;
    const pile = new Pile(
      strikes.filter(({ target }) => only.includes(target)),
      random,
    );
    for (let round = 1; !signal.aborted; round += 1) {
      const rest = random.between(restMs.least, restMs.most);
      const strike = pile.deal();
      if (strike === undefined) return;
      await delay(rest, undefined, { signal }).catch(() => undefined);
      // One server at a time is away: two would only be a longer pause of everything.
      const takesServer = strike.target === 'redis' || strike.target === 'postgres';
      if (random.next() > impatience || takesServer) await this.#repaired;
      if (!signal.aborted) await this.#strike(strike, round);
    }
    await this.#repaired;
  }

  /** How often a strike draws depends on what it meets, so each draws from numbers of its own. */
  async #strike(strike: Strike, round: number): Promise<void> {
    const { random, startedMs, began, tell, ...rest } = this.#options;
    const atSeconds = (performance.now() - startedMs) / 1_000;
    began(strike);
    const blow = await strike.act({ ...rest, random: random.forRound(round) });
    if (blow === undefined) return;
    const { isHit, detail, repaired } = blow;
    if (repaired !== undefined) this.#repaired = repaired;
    const struck = { strike, atSeconds, isHit, detail };
    this.struck.push(struck);
    tell(struck);
  }
}
