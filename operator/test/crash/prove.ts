/**
 * One test for each point at which a run can be disturbed, so that a name is enough to play exactly
 * one again: `npm test -- operator/test/crash/ended.test.ts -t 'csv-import, suspend: ended before
 * call 31, patch Job/users-coordinator'`.
 *
 * Many stories begin alike. A point in a beginning that an earlier story has proved is left out: the run
 * is the same up to the end of that step, and the state there is compared. What a fault does to later
 * steps all the same is looked for at random, in `chance.test.ts`.
 */
import { describe, expect, it } from 'vitest';
import { described } from './life.ts';
import type { CallMode, EventMode } from './modes.ts';
import { kindProofs } from './registry.ts';
import { deviation, run, undisturbed, type Outcome } from './run.ts';
import type { KindProof, Scenario } from './scenario.ts';
import type { World } from './world.ts';

interface Told {
  /** Kind and story. */
  readonly title: string;
  readonly proof: KindProof;
  readonly scenario: Scenario<World>;
  readonly calm: Outcome;
  /** Calls and events of the beginning that it shares with an earlier story. */
  readonly known: { readonly calls: number; readonly events: number };
}

/** Every story of every kind, with its undisturbed run. */
export async function stories(): Promise<readonly Told[]> {
  const told: Told[] = [];
  for (const [slug, proof] of await kindProofs()) {
    for (const [story, scenario] of Object.entries(proof.scenarios)) {
      const calm = await undisturbed(proof, scenario);
      const shared = Math.max(0, ...told.map((other) => sharedSteps(other.scenario, scenario)));
      const known = calm.ends[shared - 1] ?? { calls: 0, events: 0 };
      told.push({ title: `${slug}, ${story}`, proof, scenario, calm, known });
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

export function proveCalls(told: readonly Told[], modes: readonly CallMode[]): void {
  for (const { title, proof, scenario, calm, known } of told) {
    describe(title, () => {
      for (const mode of modes) {
        const { name, concerns, at } = mode;
        for (const call of calm.calls.slice(known.calls).filter(concerns)) {
          it(`${name} call ${call.index}, ${described(call)}`, async () => {
            const outcome = await run(proof, scenario, at(call.index));

            const met = outcome.calls[call.index];
            expect(met === undefined ? 'no call' : described(met)).toBe(described(call));
            refuse(deviation(outcome, calm, mode));
          });
        }
      }
    });
  }
}

export function proveEvents(told: readonly Told[], modes: readonly EventMode[]): void {
  for (const { title, proof, scenario, calm, known } of told) {
    describe(title, () => {
      for (const { name, at } of modes) {
        for (let index = known.events; index < calm.events; index++) {
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
