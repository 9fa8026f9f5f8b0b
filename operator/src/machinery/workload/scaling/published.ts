/**
 * What autoscalers are told: `status.scaling`. Pure, and equal to what was told before for as long as
 * the decision is, so that a status is written when a number has changed and never because it was
 * looked at.
 *
 * An autoscaler without a tolerance of its own leaves a number alone from which the present one is
 * less than a tenth away: ten workers would never become eleven. There it is told just over a tenth
 * more than there are, which it rounds up; a number that is a tenth too high is left alone.
 */
import type { ScalingDriver, ScalingStatus } from '@millrace/crds/scaling';
import { clip } from '../../clip.ts';

/** What an autoscaler leaves alone without a tolerance of its own. */
const toleranceOfOthers = 0.1;

export interface Publication {
  readonly driver: ScalingDriver;
  readonly workers: number;
  /** Workers that the Deployment asks for. */
  readonly present: number;
  readonly hasTolerance: boolean;
  readonly why: string;
  /** Nobody has asked for the number: it is what there is. */
  readonly isGuess: boolean;
  readonly previous: ScalingStatus | undefined;
  /** RFC 3339. */
  readonly now: string;
}

export function published(publication: Publication): ScalingStatus {
  const { driver, why, isGuess, workers, previous, now } = publication;
  const isSameDriver = previous?.driver === driver;
  // The number that is there may be on its way to the one that was told.
  if (isSameDriver && isGuess && workers > 0 && driver !== 'Direct') return previous;
  const needed = `${neededMilli(publication)}m`;
  if (isSameDriver && previous.needed === needed) {
    // Why there are none is one of a few sentences; why there are some holds figures that move.
    return workers === 0 && previous.why !== why ? { ...previous, why: clip(why, 256) } : previous;
  }
  return { driver, needed, at: now, why: clip(why, 256) };
}

function neededMilli({ driver, workers, present, hasTolerance }: Publication): number {
  const isOwn = driver === 'Direct' || hasTolerance;
  const isIgnored = workers > present && workers <= present * (1 + toleranceOfOthers);
  if (isOwn || !isIgnored) return workers * 1_000;
  return Math.floor(present * (1 + toleranceOfOthers) * 1_000) + 1;
}
