/**
 * What must be true when the streams have run dry, whoever died on the way; pure.
 *
 * Accepted ≤ stored ≤ accepted + unanswered, key by key, with equality for keys of clients that
 * repeated every request until it was answered; the ledger's own sum; and staleness below its bar
 * whenever the servers could be reached.
 */
import type { KeyTally, TallyTotals } from '../../load/tally.ts';
import type { LedgerTotals } from './observer.ts';
import type { StalenessFigures } from './staleness.ts';

export interface GroupEvidence {
  readonly name: string;
  readonly isRetrying: boolean;
  readonly keys: readonly KeyTally[];
  readonly totals: TallyTotals;
  readonly reasons: ReadonlyMap<string, number>;
}

export interface Evidence {
  readonly groups: readonly GroupEvidence[];
  readonly stored: ReadonlyMap<string, bigint>;
  readonly ledger: LedgerTotals;
  /** Entries that were not committed when the verdict was due. */
  readonly backlog: number;
  readonly staleness: StalenessFigures;
}

export interface Demands {
  readonly increments: number;
  readonly hits: number;
}

export const stalenessMaxMs = 10_000;
/** More examples of one mistake do not make it clearer. */
const examplesMax = 5;

export function problems(evidence: Evidence): readonly string[] {
  return [
    ...evidence.groups.flatMap((group) => sumProblems(group, evidence.stored)),
    ...strangerProblems(evidence),
    ...ledgerProblems(evidence),
    ...evidence.groups.flatMap(answerProblems),
    ...stalenessProblems(evidence.staleness),
  ];
}

/** What makes a run no proof, even if nothing was wrong in it. */
export function tameness({ groups }: Evidence, hits: number, demands: Demands): readonly string[] {
  const accepted = groups.reduce((sum, { totals }) => sum + totals.increments.Accepted, 0);
  return [
    ...(accepted >= demands.increments
      ? []
      : [`only ${String(accepted)} of ${String(demands.increments)} increments were accepted`]),
    ...(hits >= demands.hits ? [] : [`only ${String(hits)} strikes hit work`]),
  ];
}

function sumProblems(group: GroupEvidence, stored: ReadonlyMap<string, bigint>): readonly string[] {
  const found = group.keys.flatMap(({ key, accepted, unanswered }) => {
    const value = stored.get(key) ?? 0n;
    const range = `accepted ${String(accepted)}, unanswered ${String(unanswered)}`;
    const what = `${group.name}: key ${key} has ${String(value)} stored; ${range}`;
    if (value < accepted) return [`LOST ${String(accepted - value)}: ${what}`];
    const most = group.isRetrying ? accepted : accepted + unanswered;
    return value > most ? [`DOUBLED ${String(value - most)}: ${what}`] : [];
  });
  const unknown = group.isRetrying ? group.totals.requests.Unanswered : 0;
  return [
    ...shortened(found, `${group.name}: keys whose sum is wrong`),
    ...(unknown > 0
      ? [`${group.name}: ${String(unknown)} repeated requests were never answered with 200`]
      : []),
  ];
}

function strangerProblems({ groups, stored }: Evidence): readonly string[] {
  const known = new Set(groups.flatMap(({ keys }) => keys.map(({ key }) => key)));
  const strangers = [...stored.keys()].filter((key) => !known.has(key));
  return shortened(
    strangers.map((key) => `key ${key} is stored, and nobody sent it`),
    'keys that nobody sent',
  );
}

function ledgerProblems({ groups, ledger, backlog }: Evidence): readonly string[] {
  const { accepted, committed, duplicates, deadLetters, lost } = ledger;
  const sum = committed + duplicates + deadLetters + lost;
  const answered = BigInt(total(groups, 'Accepted'));
  const most = answered + BigInt(total(groups, 'Unanswered'));
  return [
    ...(backlog === 0 ? [] : [`${String(backlog)} entries or more were never committed`]),
    ...(backlog === 0 && accepted !== sum
      ? [`the ledger accepted ${String(accepted)}, and accounts for ${String(sum)}`]
      : []),
    ...(lost === 0n ? [] : [`the ledger says that ${String(lost)} were lost`]),
    ...(deadLetters === 0n ? [] : [`${String(deadLetters)} became dead letters`]),
    ...(backlog === 0 && (committed < answered || committed > most)
      ? [
          `${String(committed)} increments are committed; ${String(answered)} were accepted, ${String(most)} with those unanswered`,
        ]
      : []),
  ];
}

function total(groups: readonly GroupEvidence[], fate: 'Accepted' | 'Unanswered'): number {
  return groups.reduce((sum, { totals }) => sum + totals.increments[fate], 0);
}

/** Every request was well-formed, and nothing that was away is a fault of the service. */
function answerProblems({ name, reasons }: GroupEvidence): readonly string[] {
  return [...reasons].flatMap(([reason, times]) =>
    /^(4(?!08|29)|500)/.test(reason)
      ? [`${name}: ${String(times)} requests were answered ${reason}`]
      : [],
  );
}

function stalenessProblems({ worst }: StalenessFigures): readonly string[] {
  const { stalenessMs, atSeconds } = worst;
  if (stalenessMs <= stalenessMaxMs) return [];
  const said = `${(stalenessMs / 1_000).toFixed(1)} s at ${atSeconds.toFixed(1)} s`;
  return [`staleness was ${said} while both servers could be reached`];
}

function shortened(found: readonly string[], what: string): readonly string[] {
  if (found.length <= examplesMax) return found;
  return [...found.slice(0, examplesMax), `${what}: ${String(found.length)} in all`];
}
