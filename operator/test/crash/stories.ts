/**
 * Every story of a kind with its undisturbed run, whole and in parts.
 *
 * A whole story is played with one operator from its beginning to its end. A part of it is two steps,
 * by an operator that was started before them on the state that the undisturbed run had come to; that
 * takes a quarter of the time. Points in a beginning that an earlier story has had are left out.
 */
import type { Call } from './life.ts';
import { undisturbed, type Calm } from './run.ts';
import type { KindProof, Scenario, Step } from './scenario.ts';
import type { Saved, World } from './world.ts';

export interface Told {
  /** Kind and story, and the step for a part. */
  readonly title: string;
  readonly proof: KindProof;
  readonly scenario: Scenario<World>;
  readonly calm: Calm;
  /** Points are what comes between these steps, counted from 0. */
  readonly from: number;
  readonly to: number;
}

export interface Whole extends Told {
  /** The world before each step. */
  readonly before: readonly Saved[];
}

export async function stories(slug: string, proof: KindProof): Promise<readonly Whole[]> {
  const told: Whole[] = [];
  for (const [story, scenario] of Object.entries(proof.scenarios)) {
    const from = Math.max(0, ...told.map((other) => sharedSteps(other.scenario, scenario)));
    const before: Saved[] = [];
    const calm = await undisturbed(proof, saving(scenario, before));
    const to = scenario.steps.length;
    told.push({ title: `${slug}, ${story}`, proof, scenario, calm, from, to, before });
  }
  return told;
}

/** Steps are shared by being the same step of the same world, not by their names. */
function sharedSteps(a: Scenario<World>, b: Scenario<World>): number {
  if (a.world !== b.world) return 0;
  const different = b.steps.findIndex((step, index) => step !== a.steps[index]);
  return different === -1 ? b.steps.length : different;
}

function saving(scenario: Scenario<World>, into: Saved[]): Scenario<World> {
  const steps = scenario.steps.map((step) => ({
    ...step,
    run: async (world: World) => {
      into.push(world.save());
      await step.run(world);
    },
  }));
  return { ...scenario, steps };
}

const started: Step<World> = { name: 'the operator starts', run: () => Promise.resolve() };

/** Every step of a story that no earlier story has, with the one after it. */
export async function partsOf(story: Whole): Promise<readonly Told[]> {
  const { title, proof, scenario, from, before } = story;
  const told: Told[] = [];
  for (const [index, { copy }] of before.entries()) {
    if (index < from) continue;
    const part = {
      world: copy,
      steps: [started, ...scenario.steps.slice(index, index + 2)],
      ends: () => Promise.resolve(),
    };
    const calm = await undisturbed(proof, part);
    const name = scenario.steps[index]?.name ?? '';
    // What an operator does when it starts is much the same before each step: once is enough.
    const isLastOfFirst = from === 0 && index === before.length - 1;
    told.push({
      title: `${title}, ${name}`,
      proof,
      scenario: part,
      calm,
      from: isLastOfFirst ? 0 : 1,
      to: 2,
    });
  }
  return told;
}

/** The calls that are points. */
export function callsOf({ calm, from, to }: Told): readonly Call[] {
  return calm.calls.slice(calm.ends[from - 1]?.calls ?? 0, calm.ends[to - 1]?.calls);
}
