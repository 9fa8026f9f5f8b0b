/**
 * The arithmetic of a recommendation, without memory or bounds: the workers that are enough for what
 * comes in and what waits, and the band around them in which nothing has to move.
 */
import { dangerShare, isInDanger, twoDigits, type Figures } from './figures.ts';

/** Of a worker's time: the rest takes up bursts, and the work of one that has died. */
export const targetUtilisation = 0.7;
/** Longer leaves a backlog to calmer times; shorter asks for workers that start when it is gone. */
const catchUpSeconds = 30;
/** What measurements of a constant load may wander by. */
const tolerance = 0.1;
/** Keeps a quotient by next to nothing within what a status can hold. */
const rawMax = 1_000_000;

export interface Need {
  /** What the arithmetic asks for; undefined when it cannot be done. */
  readonly raw?: number;
  /** Fewer are too few. */
  readonly least: number;
  /** Without the band: whether fewer still do is judged by it, so that the band does not hide a break. */
  readonly enough: number;
  /** More are too many; infinite when none may go. */
  readonly most: number;
  /** In place of the arithmetic, where it cannot be done. */
  readonly instead?: number;
  readonly why: string;
}

export function need(figures: Figures): Need {
  const { arrivalPerSecond: arrival, backlog, perWorkerPerSecond: perWorker } = figures;
  if (arrival === undefined || backlog === undefined) {
    return unknown('what comes in or waits is not known', figures);
  }
  const isIdle = arrival === 0 && backlog === 0;
  if (isIdle) return known({ raw: 0, why: 'nothing comes in and nothing waits', inDanger: false });
  if (perWorker === undefined || perWorker === 0) {
    return unknown('what one worker does in a second is not known', figures);
  }
  const inDanger = isInDanger(figures);
  const { objectiveSeconds = 0, startSeconds = 0 } = figures;
  // What is left of the objective where it is in danger; never longer, lest danger ask for less.
  const left = objectiveSeconds * (1 - dangerShare);
  const whole = inDanger ? Math.min(catchUpSeconds, left) : catchUpSeconds;
  // Workers that come do nothing until they have started. Half is left to them at least: one that
  // starts for longer would otherwise be answered with ever more of its kind.
  const within = Math.max(1, whole / 2, whole - startSeconds);
  const demand = arrival + backlog / within;
  const raw = Math.min(rawMax, demand / (perWorker * targetUtilisation));
  const why = `(${twoDigits(arrival)}/s in + ${twoDigits(backlog)} waiting within ${twoDigits(within)} s) / (${twoDigits(perWorker)}/s a worker at ${targetUtilisation * 100} %) = ${twoDigits(raw)}${inDanger ? '; the objective is in danger' : ''}`;
  return known({ raw, why, inDanger });
}

interface Known {
  readonly raw: number;
  readonly why: string;
  readonly inDanger: boolean;
}

function known({ raw, why, inDanger }: Known): Need {
  const enough = Math.ceil(raw);
  if (inDanger) return { raw, least: enough, enough: Infinity, most: Infinity, why };
  const least = Math.ceil(raw / (1 + tolerance));
  return { raw, least, enough, most: Math.ceil(raw * (1 + tolerance)), why };
}

/** One more at a time: whether it helps is seen once it is there. */
function unknown(what: string, figures: Figures): Need {
  const inDanger = isInDanger(figures);
  const why = inDanger
    ? `${what}, and the objective is in danger: one more than there are`
    : `${what}: held`;
  const instead = figures.present + (inDanger ? 1 : 0);
  return { least: inDanger ? instead : 0, enough: Infinity, most: Infinity, instead, why };
}
