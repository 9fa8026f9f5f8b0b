/**
 * Every single point of every story of a kind: the operator is ended there and another process takes
 * over, the call is refused, its answer is lost, a second leader overlaps, the event is lost until a
 * relist, late, or comes twice. One file for each kind, since loading the operator and playing the
 * undisturbed runs takes longer than hundreds of points.
 */
import { describe, expect, it } from 'vitest';
import {
  answerLost,
  deposedLate,
  deposedSlowly,
  endedAfter,
  endedBefore,
  eventLate,
  eventLost,
  eventTwice,
  refused,
  restartedStale,
} from './modes.ts';
import { proveCalls, proveEvents, proveForks } from './prove.ts';
import { proofOf } from './registry.ts';
import { partsOf, stories } from './stories.ts';

/** `least` is a number of points that there are: fewer are a hole in the proof. */
export async function provePoints(slug: string, least: number): Promise<void> {
  const whole = await stories(slug, await proofOf(slug));
  const parts = (await Promise.all(whole.map((story) => partsOf(story)))).flat();
  const points =
    proveCalls(whole, [endedAfter]) +
    proveCalls(parts, [
      endedBefore,
      restartedStale,
      refused,
      answerLost,
      deposedLate,
      deposedSlowly,
    ]) +
    proveEvents(parts, [eventLost, eventTwice, eventLate]);

  describe('the points', () => {
    it('are as many as the stories have', () => {
      expect(points).toBeGreaterThanOrEqual(least);
    });

    proveForks(whole, [endedAfter]);
    proveForks(parts, [endedBefore]);
  });
}
