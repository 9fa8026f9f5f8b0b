/**
 * The ways in which a run is disturbed at one point. A point is a call of the undisturbed run or an
 * event of it; the same index is met again, because the operator and its world are deterministic up
 * to there.
 */
import type { ListOptions, ObjectList, ResourceType } from '../../src/machinery/kube-api.ts';
import { KubeFailure, type KubeReason } from '../../src/machinery/kube-failure.ts';
import { isSelected } from '../../src/memory/selection.ts';
import type { Snapshot } from '../../src/memory/snapshot.ts';
import { isWrite, type Call, type Disturbance } from './life.ts';
import type { Fork, Forks } from './forks.ts';
import { restartMs, type Run } from './play.ts';
import type { Disturb } from './run.ts';

export interface CallMode {
  readonly name: string;
  /** Calls that it is worth meeting: a read that failed and one that was not made are the same. */
  readonly concerns: (call: Call) => boolean;
  readonly at: (index: number) => Disturb;
  /** Where the operator ends and another one starts, if that is all that goes wrong. */
  readonly endsAt?: (forks: Forks, index: number) => Fork | undefined;
  /**
   * Only the end of what is played has to be the same, with all side effects; by default each step
   * has to.
   */
  readonly isJudgedAtEnd?: boolean;
}

const every = (): boolean => true;
const isWatch = ({ verb }: Call): boolean => verb === 'watch';

export const endedAfter: CallMode = {
  name: 'ended after, its answer lost',
  concerns: (call) => !isWatch(call),
  endsAt: ({ after }, index) => after.get(index),
  at: (index) => (run) => ({
    after: (call, life) => {
      if (call.index !== index) return;
      life.end();
      void run.startLater();
    },
  }),
};

export const endedBefore: CallMode = {
  name: 'ended before',
  concerns: isWrite,
  endsAt: ({ before }, index) => before.get(index),
  at: (index) => (run) => ({
    before: (call, life) => {
      if (call.index !== index) return;
      life.end();
      void run.startLater();
    },
  }),
};

/** What a server says when it is not well; a Conflict makes sense of writes only. */
const reasons: readonly KubeReason[] = ['Conflict', 'TooManyRequests', 'InternalError'];

/** Each call gets one of the refusals; a shift of one or two gives it another. */
export const refused: CallMode = {
  name: 'refused',
  concerns: every,
  at: (index) => () => ({
    before: (call) => {
      if (call.index !== index) return;
      const possible = isWrite(call) ? reasons : reasons.slice(1);
      throw failure(possible[index % possible.length] ?? 'InternalError');
    },
  }),
};

/** The process lives on and cannot know that the write has happened. */
export const answerLost: CallMode = {
  name: 'done, but answered Unavailable',
  concerns: isWrite,
  at: (index) => () => ({
    after: (call) => {
      if (call.index === index) throw failure('Unavailable');
    },
  }),
};

function failure(reason: KubeReason): KubeFailure {
  const wait = reason === 'TooManyRequests' ? { retryAfterMs: 2_000 } : {};
  return new KubeFailure(reason, 'said by the crash proof', wait);
}

/** How far behind the API the first lists of a new life are, and for how long its watches stay so. */
const catchUpMs = 3_000;

export const restartedStale: CallMode = {
  name: 'ended after, restarted with the lists of the write before',
  concerns: isWrite,
  at: (index) => (run) => {
    let past: Snapshot = run.world.api.snapshot();
    return {
      before: (call) => {
        if (isWrite(call) && call.index <= index) past = run.world.api.snapshot();
      },
      after: (call, life) => {
        if (call.index !== index) return;
        life.end();
        void run.startLater(behind(past, run));
      },
    };
  },
};

/** Sees the world of a snapshot, then catches up by its watches. */
export function behind(past: Snapshot, { world }: Run): Disturbance {
  const until = world.clock.monotonic() + restartMs + catchUpMs;
  return {
    list: (type, options) =>
      world.clock.monotonic() < until ? listOf(past, type, options) : undefined,
    event: async (event) => {
      await world.clock.sleep(Math.max(0, until - world.clock.monotonic()));
      return [event];
    },
  };
}

function listOf(past: Snapshot, type: ResourceType, options: ListOptions): ObjectList {
  const items = past.objects
    .map(({ object }) => object)
    .filter(({ kind, apiVersion }) => kind === type.kind && apiVersion === type.apiVersion)
    .filter((object) => isSelected(object, options));
  return { items, resourceVersion: String(past.revision) };
}

/**
 * A leader that was deposed with a write on its way, which arrives when the next one has acted. That is
 * later than the fence allows, and still nothing may be undone by it. A status that nobody has written
 * since does stand until something wakes the resource, hence the judgement at the end.
 */
export const deposedLate: CallMode = {
  name: 'deposed before, and the call arrives late',
  concerns: isWrite,
  isJudgedAtEnd: true,
  at: (index) => (run) => ({
    before: async (call) => {
      if (call.index !== index) return;
      run.start();
      await run.world.clock.sleep(2_000);
    },
    after: (call, life) => {
      if (call.index === index) life.end();
    },
  }),
};

/** Two leaders at once: the old one goes on for a few calls after the new one has started. */
const overlapCalls = 3;
const overlapMs = 5_000;

export const deposedSlowly: CallMode = {
  name: `followed by a second leader, and the first goes on for ${overlapCalls} calls`,
  concerns: isWrite,
  at: (index) => (run) => ({
    after: (call, life) => {
      if (call.index === index) {
        run.start();
        void run.world.clock.sleep(overlapMs).then(() => life.end());
      }
      if (call.index >= index + overlapCalls) life.end();
    },
  }),
};

export interface EventMode {
  readonly name: string;
  readonly at: (index: number) => Disturb;
}

export const eventLost: EventMode = {
  name: 'lost with the rest of its watch, which ends in Gone later',
  at: (index) => () => ({
    event: (event, number) => (number === index ? 'lost' : [event]),
  }),
};

export const eventTwice: EventMode = {
  name: 'delivered twice',
  at: (index) => () => ({
    event: (event, number) => (number === index ? [event, event] : [event]),
  }),
};

export const eventLate: EventMode = {
  name: 'four seconds late, after those of other types',
  at: (index) => (run) => ({
    event: async (event, number) => {
      if (number === index) await run.world.clock.sleep(4_000);
      return [event];
    },
  }),
};
