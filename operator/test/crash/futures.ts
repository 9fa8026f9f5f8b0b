/** What comes of the points of one story, each at most once where several share a future. */
import type { Fork } from './forks.ts';
import { described, type Call } from './life.ts';
import type { CallMode } from './modes.ts';
import { deviation, goOn, run } from './run.ts';
import type { Told } from './stories.ts';

export class Futures {
  readonly #told: Told;
  readonly #judged = new Map<Fork, Promise<string | undefined>>();

  constructor(told: Told) {
    this.#told = told;
  }

  /** What the run did differently that was disturbed there; undefined for nothing. */
  async deviationAt(mode: CallMode, call: Call): Promise<string | undefined> {
    const { proof, scenario, calm } = this.#told;
    const fork = mode.endsAt?.(calm.forks, call.index);
    if (fork === undefined) return await this.#played(mode, call);
    const judge = async (): Promise<string | undefined> =>
      deviation(await goOn(proof, scenario, fork), calm, mode);
    const judged = this.#judged.get(fork) ?? judge();
    this.#judged.set(fork, judged);
    return await judged;
  }

  /** The same, for a point that has a fork, by both ways; undefined where they come to the same. */
  async differenceAt(mode: CallMode, call: Call): Promise<string | undefined> {
    const { proof, scenario, calm } = this.#told;
    const fork = mode.endsAt?.(calm.forks, call.index);
    if (fork === undefined) return undefined;
    const wentOn = await goOn(proof, scenario, fork);
    return deviation(wentOn, await run(proof, scenario, mode.at(call.index)), mode);
  }

  async #played(mode: CallMode, call: Call): Promise<string | undefined> {
    const { proof, scenario, calm } = this.#told;
    const outcome = await run(proof, scenario, mode.at(call.index));
    const met = outcome.calls[call.index];
    if (met !== undefined && described(met) === described(call)) {
      return deviation(outcome, calm, mode);
    }
    return `it met ${met === undefined ? 'no call' : described(met)} there`;
  }
}
