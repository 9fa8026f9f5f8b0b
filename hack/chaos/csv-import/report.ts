/** What a run prints: a table a round, and the sums at the end. */
import type { Expected } from './input.ts';
import { moments, type Moment, type TargetName } from './moments.ts';
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
  const ways = [
    variant.onConflict,
    `cache ${variant.cache}`,
    ...(variant.source === 'Volume' ? [] : [variant.source === 'S3' ? 'S3' : 'S3, compressed']),
    ...(variant.isProxied ? ['through proxies'] : []),
    ...(variant.isDeadly ? ['with deadly records'] : []),
  ];
  return [
    `${title}  ${ways.join(', ')}  ` +
      `${String(hits)} hits of ${String(strikes.length)} strikes  ${seconds.toFixed(1)} s  ${verdict}`,
    ...strikes.map(
      ({ moment, atSeconds, donePercent, pid, isHit, detail }) =>
        `  ${atSeconds.toFixed(2).padStart(7)} s  ${String(donePercent).padStart(3)} % done  ` +
        `${pid === 0 ? ' '.repeat(12) : `pid ${String(pid).padEnd(8)}`} ` +
        `${nameOf(moment).padEnd(60)} ${isHit ? 'hit' : 'no hit'}${detail === '' ? '' : `  ${detail}`}`,
    ),
    ...missed.map((moment) => `           never came: ${nameOf(moment)}`),
    readLine(result),
    ...problems.map((problem) => `  ! ${problem}`),
  ];
}

function readLine({ reading: { answers, compared } }: RoundResult): string {
  const said = Object.entries(answers).map(([what, times]) => `${String(times)} × ${what}`);
  return `           gateway: ${said.join(', ')}; ${String(compared)} compared after Complete`;
}

export function sumLines(results: readonly RoundResult[], only: readonly TargetName[]): string[] {
  const strikes = results.flatMap((result) => result.strikes);
  const hits = strikes.filter(({ isHit }) => isHit);
  const rows = moments.flatMap((moment) => {
    const count = (of: typeof strikes): number => of.filter((one) => one.moment === moment).length;
    const all = count(strikes);
    return all === 0
      ? []
      : [`  ${nameOf(moment).padEnd(60)} ${String(count(hits)).padStart(3)} of ${String(all)}`];
  });
  const never = moments.filter(
    (moment) => only.includes(moment.target) && !hits.some((one) => one.moment === moment),
  );
  const compared = results.reduce((sum, { reading }) => sum + reading.compared, 0);
  return [
    `hits by moment, ${String(hits.length)} of ${String(strikes.length)} strikes:`,
    ...rows,
    `moments not hit: ${never.length === 0 ? 'none' : never.map(nameOf).join('; ')}`,
    `rows compared through the gateway after Complete: ${String(compared)}`,
  ];
}
