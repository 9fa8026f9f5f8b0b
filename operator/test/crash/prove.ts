/**
 * One test for each point at which a run can be disturbed, so that its name, as a failure shows it, is
 * enough to play exactly that one again:
 *
 *   npm test -- operator/test/crash/points.test.ts -t 'it is resumed > ended before call 17, patch Job'
 *
 * A whole story is played with one operator from its beginning to its end. A part of it is two steps,
 * by an operator that was started before them on the state that the undisturbed run had come to; that
 * takes a quarter of the time. Points in a beginning that an earlier story has had are left out.
 */
import { describe, expect, it } from 'vitest';
import { described } from './life.ts';
import type { CallMode, EventMode } from './modes.ts';
import { kindProofs } from './registry.ts';
import { deviation, run, undisturbed, type Outcome } from './run.ts';
import type { KindProof, Scenario, Step } from './scenario.ts';
import type { World } from './world.ts';

export interface Told {
  /** Kind and story, and the step for a part. */
  readonly title: string;
  readonly proof: KindProof;
  readonly scenario: Scenario<World>;
  readonly calm: Outcome;
  /** Points are what comes between these steps, counted from 0. */
  readonly from: number;
  readonly to: number;
}

/** Every story of every kind, with its undisturbed run. */
export async function stories(): Promise<readonly Told[]> {
  const told: Told[] = [];
  for (const [slug, proof] of await kindProofs()) {
    for (const [story, scenario] of Object.entries(proof.scenarios)) {
      const calm = await undisturbed(proof, scenario);
      const from = Math.max(0, ...told.map((other) => sharedSteps(other.scenario, scenario)));
      const to = scenario.steps.length;
      told.push({ title: `${slug}, ${story}`, proof, scenario, calm, from, to });
    }
  }
  return told;
}

/** Steps are shared by being the same step of the same world, not by their names. */
function sharedSteps(a: Scenario<World>, b: Scenario<World>): number {
  if (a.world !== b.world) return 0;
  const different = b.steps.findIndex((step, index) => step !== a.steps[index]);
  return different === -1 ? b.steps.length : different;
}

const started: Step<World> = { name: 'the operator starts', run: () => Promise.resolve() };

/** Every step of a story that no earlier story has, with the one after it. */
export async function partsOf({ title, proof, scenario, from }: Told): Promise<readonly Told[]> {
  const worlds: World[] = [];
  const steps = scenario.steps.map((step) => ({
    ...step,
    run: async (world: World) => {
      worlds.push(world.copy());
      await step.run(world);
    },
  }));
  await run(proof, { ...scenario, steps }, () => ({}));
  const told: Told[] = [];
  for (const [index, world] of worlds.entries()) {
    if (index < from) continue;
    const part = {
      world: () => world.copy(),
      steps: [started, ...scenario.steps.slice(index, index + 2)],
      ends: () => Promise.resolve(),
    };
    const calm = await undisturbed(proof, part);
    const name = scenario.steps[index]?.name ?? '';
    // What an operator does when it starts is much the same before each step: once is enough.
    const isLastOfFirst = from === 0 && index === worlds.length - 1;
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

export function proveCalls(told: readonly Told[], modes: readonly CallMode[]): void {
  for (const { title, proof, scenario, calm, from, to } of told) {
    const calls = calm.calls.slice(calm.ends[from - 1]?.calls ?? 0, calm.ends[to - 1]?.calls);
    const points = modes.flatMap((mode) =>
      calls.filter(mode.concerns).map((call) => ({ mode, call })),
    );
    if (points.length === 0) continue;
    describe(title, () => {
      for (const { mode, call } of points) {
        it(`${mode.name} call ${call.index}, ${described(call)}`, async () => {
          const outcome = await run(proof, scenario, mode.at(call.index));

          const met = outcome.calls[call.index];
          expect(met === undefined ? 'no call' : described(met)).toBe(described(call));
          refuse(deviation(outcome, calm, mode));
        });
      }
    });
  }
}

export function proveEvents(told: readonly Told[], modes: readonly EventMode[]): void {
  for (const { title, proof, scenario, calm, from, to } of told) {
    const first = calm.ends[from - 1]?.events ?? 0;
    const last = calm.ends[to - 1]?.events ?? 0;
    if (first === last) continue;
    describe(title, () => {
      for (const { name, at } of modes) {
        for (let index = first; index < last; index++) {
          it(`event ${index} ${name}`, async () => {
            const outcome = await run(proof, scenario, at(index));

            refuse(deviation(outcome, calm));
          });
        }
      }
    });
  }
}

/** In full, which an assertion on text would not print. */
export function refuse(found: string | undefined): void {
  if (found !== undefined) throw new Error(found);
}
