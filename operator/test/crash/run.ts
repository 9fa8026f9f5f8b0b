/**
 * Plays one story with one disturbance and says what came of it.
 *
 * The undisturbed run and a disturbed one are the same code; only the disturbance differs. An operator
 * that has ended does nothing more, so what comes after its end is decided by the world that it left:
 * such a run need not be played again from its beginning, but goes on from a fork of the undisturbed
 * one (see forks.ts).
 */
import { Forks, type Fork } from './forks.ts';
import type { Disturbance } from './life.ts';
import { difference } from './end-state.ts';
import { Play, type Outcome, type Run } from './play.ts';
import type { KindProof, Scenario } from './scenario.ts';
import { deletedByName } from './side-effects.ts';
import type { World } from './world.ts';

export type Disturb = (run: Run) => Disturbance;

/** The run that all others are compared with. */
export interface Calm extends Outcome {
  readonly forks: Forks;
}

/** Throws unless the story comes to its end. */
export async function undisturbed<W extends World>(
  proof: KindProof<W>,
  scenario: Scenario<W>,
): Promise<Calm> {
  const world = scenario.world();
  const forks = new Forks();
  const outcome = await run(proof, { ...scenario, world: () => world }, forks.taken);
  await scenario.ends(world);
  if (outcome.breaches.length > 0) throw new Error(outcome.breaches.join('\n'));
  const blind = outcome.effects.find((effect) => effect.endsWith(deletedByName));
  if (blind !== undefined) throw new Error(`could hit an object made since: ${blind}`);
  return { ...outcome, forks };
}

/** From the beginning. */
export async function run<W extends World>(
  proof: KindProof<W>,
  scenario: Scenario<W>,
  disturb: Disturb,
): Promise<Outcome> {
  const play = new Play({ proof, scenario, world: scenario.world() });
  play.start(disturb(play));
  await play.settle(-1, 0);
  return await play.toTheEnd(0);
}

/** From where another run had come to, when the operator that led there has just ended. */
export async function goOn(
  proof: KindProof,
  scenario: Scenario<World>,
  from: Fork,
): Promise<Outcome> {
  const play = new Play({ proof, scenario, world: from.saved.copy(), past: from });
  void play.startLater();
  await play.settle(from.step, from.leftMs);
  return await play.toTheEnd(from.step + 1);
}

/** What a disturbed run did differently, at its first step that shows it. */
export function deviation(
  actual: Outcome,
  expected: Outcome,
  { isJudgedAtEnd = false }: { readonly isJudgedAtEnd?: boolean } = {},
): string | undefined {
  if (actual.breaches.length > 0) return actual.breaches.join('\n');
  const pairs = expected.ends.map((end, index) => ({ end, did: actual.ends[index]?.state }));
  for (const { end, did } of pairs.slice(isJudgedAtEnd ? -1 : 0)) {
    const found = difference(did ?? new Map(), end.state);
    if (found !== undefined) return `after the step "${end.step}": ${found}`;
  }
  if (sorted(actual.effects) === sorted(expected.effects)) return undefined;
  return `it did\n  ${actual.effects.join('\n  ')}\nand undisturbed\n  ${expected.effects.join('\n  ')}`;
}

function sorted(effects: readonly string[]): string {
  return effects.toSorted().join('\n');
}
