/**
 * How many workers a resource needs now: one function for every kind whose workers follow its work.
 *
 *     workers = (arrival + backlog / catch-up time) / (rate of a busy worker × target utilisation)
 *
 * Pure: the result follows from the arguments alone, and given its own result as `previous` it returns
 * that result. It rises at once. It falls when fewer would have done for a minute without a break, to
 * what is needed then. A tenth around the need is left alone, so that a load whose measurements wander
 * by less than that never brings a worker back. What is unknown is never taken for nothing: the number
 * is held.
 *
 * It knows no kind and writes nothing. CsvImport does not use it: a worker takes one chunk at a time
 * and the file only shrinks, so that the useful number is a count of chunks, without any rate; its
 * coordinator, which alone knows what is not cut yet, says that number.
 */
import type { Recommendation } from '@millrace/crds/scaling';
import { figuresOf, isSettled, shownInputs, twoDigits, type ScalingInputs } from './figures.ts';
import { need, type Need } from './need.ts';
import { bounded, limitsOf, type Limits, type WorkerBounds } from './worker-bounds.ts';

/** Longer than a burst lasts and a worker takes to start, so that no worker goes that is needed next. */
export const lowerForMs = 60_000;

export interface RecommendInput {
  readonly inputs: ScalingInputs;
  readonly bounds: WorkerBounds;
  /** Workers that are there. */
  readonly present: number;
  /** The last result, however old: of it, the number counts and since when fewer would do. */
  readonly previous?: Recommendation | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export function recommend(input: RecommendInput): Recommendation {
  const { bounds, present, previous } = input;
  const figures = figuresOf(input.inputs, present);
  const needed = need(figures);
  const limits = limitsOf(bounds, figures.usefulMax);
  const held = bounded(previous?.wanted ?? present, limits).workers;
  const least = bounded(needed.least, limits).workers;
  const most = bounded(needed.most, limits).workers;
  const isLower = bounded(needed.enough, limits).workers < held;
  const since = isLower ? lowerSince(input, most < held) : undefined;
  const falls = since !== undefined && most < held && input.now - since >= lowerForMs;
  const wanted = falls ? most : Math.max(held, least);
  const next: Recommendation = {
    wanted,
    ...(needed.raw !== undefined && { raw: twoDigits(needed.raw) }),
    why: needed.why,
    bounds: whatBounded(wanted, needed, limits),
    inputs: shownInputs(figures),
    ...(since !== undefined && !falls && { lowerSince: new Date(since).toISOString() }),
  };
  return previous !== undefined && isSettled(previous, next) ? previous : next;
}

/** Begins once a worker could go; a time that is none, or that a stepping clock has put ahead, begins anew. */
function lowerSince({ previous, now }: RecommendInput, begins: boolean): number | undefined {
  const since = Date.parse(previous?.lowerSince ?? '');
  if (since <= now) return since;
  return begins ? now : undefined;
}

/** Why it is not what was asked for: a bound below the least that is needed, or above the most. */
function whatBounded(wanted: number, { least, most, instead }: Need, limits: Limits): string[] {
  const asked = instead ?? Math.min(Math.max(wanted, least), most);
  const { workers, sentences } = bounded(asked, limits);
  return workers === wanted ? sentences : [];
}
