/**
 * The places of an undisturbed run from which another can go on without the operator that led there.
 *
 * Why such a run is the one that is played from the beginning and loses its operator there: up to the
 * point both are the same, since operator and world are deterministic. From the point on, the old
 * operator changes nothing: no call of it returns, none begins, and no write of it is on its way, which
 * is asked of every fork. What is left is the world, which is copied, the rest of the story, and the
 * time that the present step still has; what watches could be told of earlier is left out, since the
 * next operator begins with lists of the present. Two points at the same moment with no change between
 * them leave the same world, so that they are the same fork and have one future.
 *
 * Where this does not hold, there is no fork, and the point is played from the beginning: while a step
 * is being done, and beside another write. `prove.ts` plays a sample both ways.
 */
import { isWrite, type Call, type Disturbance } from './life.ts';
import type { Run, StepEnd } from './play.ts';
import type { Done } from './side-effects.ts';
import type { Saved } from './world.ts';

export interface Fork {
  readonly saved: Saved;
  /** The step that settles, -1 before the first, and for how long it still has to. */
  readonly step: number;
  readonly leftMs: number;
  /** What had come before. */
  readonly ends: readonly StepEnd[];
  readonly done: Done;
}

export class Forks {
  /** Before and after each call, by its index. */
  readonly before = new Map<number, Fork>();
  readonly after = new Map<number, Fork>();
  #last: Fork | undefined;
  /** Writes on their way. */
  #writing = 0;

  /** Takes them from the first operator of a run, which it does not disturb. */
  readonly taken = (run: Run): Disturbance => ({
    before: (call) => {
      this.#take(run, { call, into: this.before });
      if (isWrite(call)) this.#writing++;
    },
    after: (call) => {
      if (isWrite(call)) this.#writing--;
      this.#take(run, { call, into: this.after });
    },
  });

  #take(run: Run, { call, into }: { readonly call: Call; readonly into: Map<number, Fork> }): void {
    const fork = this.#writing > 0 ? undefined : run.fork();
    if (fork === undefined) return;
    if (this.#last === undefined || !isSamePlace(fork, this.#last)) this.#last = fork;
    into.set(call.index, this.#last);
  }
}

/** Every change of the world that an operator can make has a revision of its own. */
function isSamePlace(a: Fork, b: Fork): boolean {
  return (
    a.step === b.step &&
    a.leftMs === b.leftMs &&
    a.saved.snapshot.revision === b.saved.snapshot.revision &&
    a.done.lines.length === b.done.lines.length
  );
}
