/** What a run prints: a table a round, and the sums at the end. */
import type { Expected } from './input.ts';
import { moments, type Moment } from './moments.ts';
import type { RoundResult } from './round.ts';

const nameOf = ({ target, name }: Moment): string => `${target}: ${name}`;

export function describeInput(expected: Expected): string {
  const { bytes, read, loaded, superseded, rejected, comments, blank } = expected;
  return (
    `file: ${(bytes / 1e6).toFixed(1)} MB, ${String(read)} records = ${String(loaded)} loaded + ` +
    `${String(superseded)} superseded + ${String(rejected)} rejected; ` +
    `${String(comments)} comments, ${String(blank)} blank lines`
  );
}

export function roundLines(title: string, result: RoundResult): string[] {
  const { variant, strikes, missed, seconds, problems } = result;
  const verdict = problems.length === 0 ? 'passed' : 'FAILED';
  const hits = strikes.filter(({ isHit }) => isHit).length;
  return [
    `${title}  ${variant.onConflict}, cache ${variant.cache}  ` +
      `${String(hits)} hits of ${String(strikes.length)} kills  ${seconds.toFixed(1)} s  ${verdict}`,
    ...strikes.map(
      ({ moment, atSeconds, donePercent, pid, isHit }) =>
        `  ${atSeconds.toFixed(2).padStart(7)} s  ${String(donePercent).padStart(3)} % done  ` +
        `pid ${String(pid).padEnd(8)} ${nameOf(moment).padEnd(38)} ${isHit ? 'hit' : 'no hit'}`,
    ),
    ...missed.map((moment) => `           never came: ${nameOf(moment)}`),
    ...problems.map((problem) => `  ! ${problem}`),
  ];
}

export function sumLines(results: readonly RoundResult[]): string[] {
  const strikes = results.flatMap((result) => result.strikes);
  const hits = strikes.filter(({ isHit }) => isHit);
  const rows = moments.flatMap((moment) => {
    const count = (of: typeof strikes): number => of.filter((one) => one.moment === moment).length;
    const kills = count(strikes);
    return kills === 0
      ? []
      : [`  ${nameOf(moment).padEnd(38)} ${String(count(hits)).padStart(3)} of ${String(kills)}`];
  });
  return [`hits by moment, ${String(hits.length)} of ${String(strikes.length)} kills:`, ...rows];
}
