/**
 * One test for each point at which a run can be disturbed, so that its name, as a failure shows it, is
 * enough to play exactly that one again:
 *
 *   npm test -- operator/test/crash/points/csv-import.test.ts -t 'it is resumed > ended before call 17, patch Job'
 */
import { describe, it } from 'vitest';
import { Futures } from './futures.ts';
import { described } from './life.ts';
import type { CallMode, EventMode } from './modes.ts';
import { deviation, run } from './run.ts';
import { callsOf, type Told } from './stories.ts';

/** Returns how many points there are. */
export function proveCalls(told: readonly Told[], modes: readonly CallMode[]): number {
  const counts = told.map((story) => {
    const calls = callsOf(story);
    const points = modes.flatMap((mode) =>
      calls.filter(mode.concerns).map((call) => ({ mode, call })),
    );
    if (points.length === 0) return 0;
    const futures = new Futures(story);
    describe(story.title, () => {
      for (const { mode, call } of points) {
        it(`${mode.name} call ${call.index}, ${described(call)}`, async () => {
          refuse(await futures.deviationAt(mode, call));
        });
      }
    });
    return points.length;
  });
  return total(counts);
}

/** Returns how many points there are. */
export function proveEvents(told: readonly Told[], modes: readonly EventMode[]): number {
  const counts = told.map(({ title, proof, scenario, calm, from, to }) => {
    const first = calm.ends[from - 1]?.events ?? 0;
    const last = calm.ends[to - 1]?.events ?? 0;
    if (first === last) return 0;
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
    return modes.length * (last - first);
  });
  return total(counts);
}

/** Both ways at one point of every fourth story, which turns through points and modes. */
const sampleEvery = 4;

/** That to go on from a fork comes to what the whole way comes to. */
export function proveForks(told: readonly Told[], modes: readonly CallMode[]): void {
  for (const [index, story] of told.entries()) {
    const mode = modes[(index / sampleEvery) % modes.length];
    if (mode === undefined) continue;
    const calls = callsOf(story).filter(mode.concerns);
    const call = calls[(index * 7) % calls.length];
    if (call === undefined) continue;
    it(`${story.title}, ${mode.name} call ${call.index}: as from the beginning`, async () => {
      refuse(await new Futures(story).differenceAt(mode, call));
    });
  }
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** In full, which an assertion on text would not print. */
export function refuse(found: string | undefined): void {
  if (found !== undefined) throw new Error(found);
}
