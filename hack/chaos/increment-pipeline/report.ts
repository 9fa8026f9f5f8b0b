/** What a run prints: lines while it goes, and a table at the end. */
import type { TallyTotals } from '../../load/tally.ts';
import type { Struck } from './assault.ts';
import type { Sight } from './observer.ts';
import { strikes } from './strikes.ts';
import type { Evidence } from './verdict.ts';

const count = (value: number | bigint): string => value.toLocaleString('en');
const padded = (value: number | bigint): string => count(value).padStart(14);
const at = (seconds: number): string => `${seconds.toFixed(1).padStart(6)} s`;

export function progressLine(
  seconds: number,
  { increments }: TallyTotals,
  sight: Sight | undefined,
): string {
  const seen =
    sight === undefined
      ? 'a server is away'
      : `staleness ${(sight.stalenessMs / 1_000).toFixed(1)} s, ${count(sight.backlog)} entries wait, ${String(sight.owners)} owners`;
  return `${at(seconds)}  ${count(increments.Accepted)} accepted, ${count(increments.Unanswered)} unanswered, ${count(increments.Refused)} refused, ${seen}`;
}

export function strikeLine({ strike, atSeconds, isHit, detail }: Struck): string {
  const name = `${strike.target}: ${strike.name}`;
  return `${at(atSeconds)}  ${name.padEnd(28)} ${isHit ? 'hit   ' : 'no hit'}  ${detail}`;
}

export function finalLines(evidence: Evidence, struck: readonly Struck[]): readonly string[] {
  return [
    'clients               accepted    unanswered       refused   (increments)',
    ...evidence.groups.map(
      ({ name, totals: { increments } }) =>
        `  ${name.padEnd(18)}${padded(increments.Accepted).slice(2)}${padded(increments.Unanswered)}${padded(increments.Refused)}`,
    ),
    ...evidence.groups.map(({ name, reasons }) => `  ${name}: ${reasonText(reasons)}`),
    ...ledgerLines(evidence),
    ...stalenessLines(evidence),
    'strikes that hit work, of all:',
    ...strikes.flatMap((strike) => {
      const all = struck.filter((one) => one.strike === strike);
      const hits = all.filter(({ isHit }) => isHit).length;
      const name = `${strike.target}: ${strike.name}`;
      return all.length === 0
        ? []
        : [`  ${name.padEnd(28)} ${String(hits)} of ${String(all.length)}`];
    }),
  ];
}

function reasonText(reasons: ReadonlyMap<string, number>): string {
  return [...reasons]
    .toSorted(([, left], [, right]) => right - left)
    .map(([reason, times]) => `${reason} × ${count(times)}`)
    .join(', ');
}

function ledgerLines({ ledger, backlog }: Evidence): readonly string[] {
  const { accepted, committed, duplicates, deadLetters, lost, incarnations } = ledger;
  return [
    'ledger (increments)',
    `  accepted      ${padded(accepted)}`,
    `  committed     ${padded(committed)}`,
    `  duplicates    ${padded(duplicates)}`,
    `  dead letters  ${padded(deadLetters)}`,
    `  lost          ${padded(lost)}`,
    `  entries left  ${padded(backlog)}`,
    ...(incarnations === 0 ? [] : [`  partitions that began anew ${String(incarnations)}`]),
  ];
}

function stalenessLines({ staleness }: Evidence): readonly string[] {
  const { samples, excused, p50Ms, p99Ms, worst, windows } = staleness;
  const s = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`;
  return [
    `staleness p50 ${s(p50Ms)}, p99 ${s(p99Ms)}, max ${s(worst.stalenessMs)} over ${String(samples - excused)} samples; ${String(excused)} more are excused, in outages and while catching up after them`,
    ...windows.map(
      ({ fromSeconds, toSeconds, why, freshAfterSeconds }) =>
        `  ${fromSeconds.toFixed(1)} to ${toSeconds.toFixed(1)} s: ${why} away; ${
          freshAfterSeconds === undefined
            ? 'the next outage came before sums were fresh'
            : `fresh again ${freshAfterSeconds.toFixed(1)} s later`
        }`,
    ),
  ];
}
