/**
 * Many faults in one run, by chance: ends of the process, refusals, lost answers, late, repeated and
 * lost events, in any life and at any call. Fast-check prints the seed and the smallest list of faults
 * that fails; the list alone is enough to play it again.
 */
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { KubeFailure } from '../../src/machinery/kube-failure.ts';
import { isWrite, type Call, type Disturbance, type Life } from './life.ts';
import type { Run } from './play.ts';
import { refuse } from './prove.ts';
import { kindProofs } from './registry.ts';
import { deviation, run, type Disturb } from './run.ts';
import { stories } from './stories.ts';

interface Fault {
  /** Calls, or events, to let pass before it. */
  readonly after: number;
  readonly what: 'end before' | 'end after' | 'refuse' | 'lose answer' | 'late' | 'twice' | 'lost';
}

const faults = fc.array(
  fc.record({
    after: fc.nat(30),
    what: fc.constantFrom<Fault['what'][]>(
      'end before',
      'end after',
      'refuse',
      'lose answer',
      'late',
      'twice',
      'lost',
    ),
  }),
  { minLength: 1, maxLength: 6 },
);

const ofEvents: ReadonlySet<Fault['what']> = new Set(['late', 'twice', 'lost']);

/** The next fault is due after so many calls or events over all lives; each happens once. */
function disturbing(list: readonly Fault[]): Disturb {
  const calls = countdown(list.filter(({ what }) => !ofEvents.has(what)));
  const events = countdown(list.filter(({ what }) => ofEvents.has(what)));
  return (scene) => {
    const disturbance: Disturbance = {
      before: (call, life) => {
        if (!isWrite(call)) return;
        const due = calls.next();
        if (due === 'end before') replace(scene, life, disturbance);
        if (due === 'refuse') throw new KubeFailure('ServerTimeout', 'said by the crash proof');
        pending.set(call, due);
      },
      after: (call, life) => {
        const due = pending.get(call);
        if (due === 'end after') replace(scene, life, disturbance);
        if (due === 'lose answer') throw new KubeFailure('Unavailable', 'said by the crash proof');
      },
      event: async (event) => {
        const due = events.next();
        if (due === 'lost') return 'lost';
        if (due === 'late') await scene.world.clock.sleep(1_500);
        return due === 'twice' ? [event, event] : [event];
      },
    };
    const pending = new WeakMap<Call, Fault['what'] | undefined>();
    return disturbance;
  };
}

function countdown(list: readonly Fault[]): { next(): Fault['what'] | undefined } {
  const [...left] = list;
  let passed = 0;
  return {
    next: () => {
      const fault = left[0];
      if (fault === undefined || passed++ < fault.after) return undefined;
      passed = 0;
      left.shift();
      return fault.what;
    },
  };
}

function replace({ world, start }: Run, life: Life, disturbance: Disturbance): void {
  life.end();
  void world.clock.sleep(500).then(() => start(disturbance));
}

const proofs = await kindProofs();
const told = (await Promise.all([...proofs].map(([slug, proof]) => stories(slug, proof)))).flat();

describe('many faults in one story', () => {
  for (const { title, proof, scenario, calm } of told) {
    it(`leave no trace: ${title}`, async () => {
      await fc.assert(
        fc.asyncProperty(faults, async (list) => {
          refuse(deviation(await run(proof, scenario, disturbing(list)), calm));
        }),
        { numRuns: 8 },
      );
    });
  }
});
