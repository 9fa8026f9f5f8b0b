/**
 * What to try next with a chunk that workers died with, from what was tried so far.
 *
 * A trial takes some of the chunk's records in a process of its own and ends in one of two ways that
 * prove something: it passed, or the process died by itself while its parent lived to see it. Ranges
 * that died are halved down to one record, and a record is poison when it died alone `deathsMin`
 * times and a trial without any record, made afterwards, passed: that one does all the same but for
 * the record, so the surroundings were not what killed. If it dies too, nothing before it counts.
 *
 * Everything follows from the rows of the ledger in their order, so any worker goes on where another
 * stopped. Pure; bounded by `trialsMax` and `poisonMax`.
 */

/** How often something must die before it is believed. Fewer would trust coincidence. */
export const deathsMin = 3;
/** A record of a million takes about 35 trials; sixteen of them fit, and most chunks need one. */
const trialsMax = 600;
/** A chunk with more is no chunk with a bad record: the reason is elsewhere, and minutes add up. */
const poisonMax = 16;

export interface RecordRange {
  /** Numbers of records within their chunk, whatever becomes of them; `to` is not included. */
  readonly from: number;
  readonly to: number;
}

export interface Trial extends RecordRange {
  /** Other: nothing is known of these records; the trial was stopped, or a backend failed. */
  readonly end: 'Passed' | 'Died' | 'Other';
}

export type NextTrial =
  /** Everything but the poison, to be committed if it passes. */
  | { readonly step: 'Load' }
  | ({ readonly step: 'Try' } & RecordRange)
  | { readonly step: 'GiveUp'; readonly why: 'KillsTogether' | 'TooManyKillers' | 'TooManyTrials' };

export interface Findings {
  /** Ascending. No later trial takes them. */
  readonly poison: readonly number[];
  readonly next: NextTrial;
}

interface Suspect extends RecordRange {
  deaths: number;
  /** The trial of its first death. */
  readonly since: number;
}

interface Pass extends RecordRange {
  readonly at: number;
}

interface Evidence {
  readonly poison: Set<number>;
  readonly passes: Pass[];
  suspects: Suspect[];
}

/** `records` is how many the chunk has; `trials` in the order in which they began. */
export function examine(trials: readonly Trial[], records: number): Findings {
  const evidence: Evidence = { poison: new Set(), passes: [], suspects: [] };
  for (const [at, trial] of trials.entries()) weigh(evidence, trial, at);
  const poison = [...evidence.poison].toSorted((a, b) => a - b);
  if (poison.length > poisonMax) return { poison, next: { step: 'GiveUp', why: 'TooManyKillers' } };
  if (trials.length >= trialsMax) return { poison, next: { step: 'GiveUp', why: 'TooManyTrials' } };
  return { poison, next: nextOf(evidence, records) };
}

function weigh(evidence: Evidence, trial: Trial, at: number): void {
  const { poison, passes } = evidence;
  if (trial.end === 'Other') return;
  if (!hasRecords(trial, poison)) {
    if (trial.end === 'Died') evidence.suspects = [];
    else condemn(evidence);
  } else if (trial.end === 'Passed') {
    passes.push({ from: trial.from, to: trial.to, at });
    evidence.suspects = evidence.suspects.filter((suspect) => !contains(trial, suspect));
  } else {
    const known = evidence.suspects.find((it) => it.from === trial.from && it.to === trial.to);
    if (known !== undefined) known.deaths += 1;
    else evidence.suspects.push({ from: trial.from, to: trial.to, deaths: 1, since: at });
  }
}

/** Deaths of ranges around the poison are explained by it; whether by it alone is tried anew. */
function condemn(evidence: Evidence): void {
  for (const { from, to, deaths } of evidence.suspects) {
    if (to - from === 1 && deaths >= deathsMin) evidence.poison.add(from);
  }
  evidence.suspects = evidence.suspects.filter(
    ({ from, to }) => ![...evidence.poison].some((record) => from <= record && record < to),
  );
}

function nextOf({ suspects, passes, poison }: Evidence, records: number): NextTrial {
  const [first, ...others] = suspects;
  if (first === undefined) return { step: 'Load' };
  const smallest = others.reduce((a, b) => (b.to - b.from < a.to - a.from ? b : a), first);
  const { from, to, deaths, since } = smallest;
  if (to - from === 1) {
    return { step: 'Try', from, to: deaths >= deathsMin ? from : to };
  }
  const middle = from + ((to - from) >> 1);
  const halves = [
    { from, to: middle },
    { from: middle, to },
  ];
  const open = halves.find(
    (half) =>
      hasRecords(half, poison) && !passes.some((pass) => pass.at > since && contains(pass, half)),
  );
  if (open !== undefined) return { step: 'Try', ...open };
  // Each half alone is harmless: either what killed has gone, or it takes records of both.
  if (deaths >= deathsMin) return { step: 'GiveUp', why: 'KillsTogether' };
  return from === 0 && to === records ? { step: 'Load' } : { step: 'Try', from, to };
}

function hasRecords({ from, to }: RecordRange, poison: ReadonlySet<number>): boolean {
  for (let record = from; record < to; record += 1) if (!poison.has(record)) return true;
  return false;
}

function contains(outer: RecordRange, inner: RecordRange): boolean {
  return outer.from <= inner.from && inner.to <= outer.to;
}
