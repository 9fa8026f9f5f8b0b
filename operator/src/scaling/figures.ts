/**
 * The figures of a recommendation: those that can be used, and as they are shown.
 *
 * Measurements move at every look, and a status that shows them would be written as often. So they
 * are shown with two digits, and anew only when one has moved by a fifth or the decision is another.
 */
import type { Recommendation } from '@millrace/crds/scaling';

type Shown = Recommendation['inputs'];
type Measured = Exclude<keyof Shown, 'present'>;
/** Undefined is unknown. With a backend away the age is left out: workers would help nothing. */
export type ScalingInputs = { readonly [key in Measured]?: number | undefined };
export type Figures = { readonly [key in Measured]?: number } & { readonly present: number };

/** Of the objective: past it there is just time for a worker to start before it is missed. */
export const dangerShare = 0.5;

/**
 * Age from which the objective is in danger. Workers that take long to start have to be asked for
 * earlier, lest all that is left goes by while they do; never before a quarter of it has gone.
 */
function dangerSeconds({ objectiveSeconds = 0, startSeconds = 0 }: Shown): number {
  const early = objectiveSeconds - 2 * startSeconds;
  return Math.max(objectiveSeconds / 4, Math.min(objectiveSeconds * dangerShare, early));
}

export function isInDanger(shown: Shown): boolean {
  const { oldestAgeSeconds, objectiveSeconds } = shown;
  if (oldestAgeSeconds === undefined || objectiveSeconds === undefined) return false;
  return oldestAgeSeconds > dangerSeconds(shown);
}

/** Without those that are no figures: negative, or not finite. */
export function figuresOf(inputs: ScalingInputs, present: number): Figures {
  const usable = Object.entries(inputs).filter(
    ([, value]) => value !== undefined && Number.isFinite(value) && value >= 0,
  );
  return { ...Object.fromEntries(usable), present };
}

export function twoDigits(value: number): number {
  return Number(value.toPrecision(2));
}

const measured = [
  'arrivalPerSecond',
  'perWorkerPerSecond',
  'backlog',
  'oldestAgeSeconds',
  'startSeconds',
] as const;

export function shownInputs(figures: Figures): Shown {
  const short = measured.flatMap((key) => {
    const value = figures[key];
    return value === undefined ? [] : [[key, twoDigits(value)]];
  });
  return { ...figures, ...Object.fromEntries(short) };
}

/** Whether what was said before still says it: the same decision, from figures much the same. */
export function isSettled(before: Recommendation, after: Recommendation): boolean {
  return (
    before.wanted === after.wanted &&
    before.lowerSince === after.lowerSince &&
    before.bounds.join() === after.bounds.join() &&
    isNear(before.raw, after.raw, 0.2) &&
    hasSameInputs(before, after)
  );
}

function hasSameInputs(before: Recommendation, after: Recommendation): boolean {
  const [a, b] = [before.inputs, after.inputs];
  return (
    a.present === b.present &&
    a.usefulMax === b.usefulMax &&
    a.objectiveSeconds === b.objectiveSeconds &&
    isInDanger(a) === isInDanger(b) &&
    isNear(a.arrivalPerSecond, b.arrivalPerSecond, 1) &&
    isNear(a.perWorkerPerSecond, b.perWorkerPerSecond, 1) &&
    isNear(a.startSeconds, b.startSeconds, 2) &&
    // Where there is a result, it says what the backlog amounts to.
    (a.backlog === undefined) === (b.backlog === undefined) &&
    (after.raw !== undefined || isNear(a.backlog, b.backlog, 100))
  );
}

function isNear(a: number | undefined, b: number | undefined, slack: number): boolean {
  if (a === undefined || b === undefined) return a === b;
  return Math.abs(a - b) <= Math.max(slack, Math.max(a, b) / 5);
}
