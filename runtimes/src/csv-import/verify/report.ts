/**
 * What a verification found, as sentences for people and numbers for programs.
 *
 * Places are lines and offsets of the source and names of columns. Values and keys are never part of
 * it: a key may be an e-mail address, and reports end up in tickets.
 */
import type { LedgerTotals } from '../../chunks/totals.ts';
import { countLineEnds } from '../../chunks/line-counter.ts';
import type { Dialect } from '../../csv/dialect.ts';
import { unitsOf } from '../../csv/units.ts';
import type { Source, SourceIdentity } from '../source/source.ts';
import { uncoveredBytes, type DoneChunk } from './chunks.ts';
import type { Finding, FoundPlace, TableDifferences } from './tables.ts';

export interface Place {
  /** Byte of the source at which the record begins. */
  readonly offset: number;
  /** 1-based; absent where the offset is in no chunk. */
  readonly line?: number;
  /** Columns that hold another value. */
  readonly columns?: readonly string[];
}

export interface Difference {
  readonly what: Finding | LedgerFinding;
  readonly message: string;
  /** The first few, in the order of the source. */
  readonly places: readonly Place[];
}

export type LedgerFinding =
  | 'NotComplete'
  | 'PlanIncomplete'
  | 'OtherRead'
  | 'OtherRejected'
  | 'OtherLoaded'
  | 'OtherChunk';

export interface VerifyReport {
  readonly equal: boolean;
  readonly differences: readonly Difference[];
  /** As the ledger has them. */
  readonly totals: {
    readonly read: number;
    readonly loaded: number;
    readonly superseded: number;
    readonly rejected: number;
  };
  readonly compared: {
    readonly bytes: number;
    readonly chunks: number;
    readonly records: number;
    readonly rows: number;
    /** Rows of this import that a later import has replaced since: their values are not compared. */
    readonly replacedLater: number;
    readonly rejects: number;
    /** Rejects that were repaired and loaded since: their values are those of the repair. */
    readonly replayed: number;
    /** Empty where only numbers could be compared: a table without keys and positions. */
    readonly columns: readonly string[];
  };
}

export interface Counted {
  readonly read: number;
  readonly rejected: number;
  /** Rejects of the source that were repaired and loaded since. */
  readonly replayed: number;
  /** Of these, the ones that found their key held by another record, of whichever import. */
  readonly replayedInVain: number;
  /** Chunks whose own counts in the ledger are not those of their part of the source. */
  readonly otherChunks: readonly DoneChunk[];
}

export interface Findings {
  readonly state: string;
  readonly ledger: LedgerTotals;
  readonly counted: Counted;
  readonly found: TableDifferences;
  readonly chunks: readonly DoneChunk[];
  readonly isByValue: boolean;
  readonly columns: readonly string[];
  /** First byte after the header. */
  readonly dataStart: number;
  readonly source: Source;
  readonly sourceBytes: number;
  readonly pinned: SourceIdentity;
  readonly dialect: Dialect;
}

const placesMax = 3;

export async function verifyReport(findings: Findings): Promise<VerifyReport> {
  const { ledger, counted, found, chunks, sourceBytes } = findings;
  const differences = [...ledgerDifferences(findings), ...(await tableDifferences(findings))];
  const { read, superseded, rejected } = ledger;
  return {
    equal: differences.length === 0,
    differences,
    totals: { read, loaded: read - superseded - rejected, superseded, rejected },
    compared: {
      bytes: sourceBytes,
      chunks: chunks.length,
      records: counted.read,
      rows: found.own,
      replacedLater: found.replacedLater,
      rejects: counted.rejected,
      replayed: counted.replayed,
      columns: findings.isByValue ? findings.columns : [],
    },
  };
}

function ledgerDifferences(findings: Findings): readonly Difference[] {
  const { state, ledger, counted, found, chunks, dataStart, sourceBytes } = findings;
  const loaded = ledger.read - ledger.superseded - ledger.rejected;
  const held = found.own + found.replacedLater;
  // A later import may have held such a key before the replay: nothing was replaced then.
  const heldBefore = Math.min(found.replacedLater, counted.replayedInVain);
  const uncovered = uncoveredBytes(chunks, { start: dataStart, end: sourceBytes });
  const others = counted.otherChunks;
  const claims: readonly (readonly [LedgerFinding, isRight: boolean, message: string])[] = [
    ['NotComplete', state === 'Complete', `the import is ${state}, not Complete`],
    [
      'PlanIncomplete',
      uncovered === 0,
      `${count(uncovered)} bytes of the source are in no loaded chunk`,
    ],
    [
      'OtherRead',
      ledger.read === counted.read,
      `the ledger says ${records(ledger.read)} read, the source has ${count(counted.read)}`,
    ],
    [
      'OtherRejected',
      ledger.rejected === counted.rejected,
      `the ledger says ${records(ledger.rejected)} rejected, the source has ${count(counted.rejected)}` +
        (counted.replayed === 0
          ? ''
          : ` without the ${count(counted.replayed)} that were replayed`),
    ],
    [
      'OtherLoaded',
      loaded <= held && loaded >= held - heldBefore,
      `the ledger says ${count(loaded)} loaded, the table has ${rows(found.own)} of this import` +
        (found.replacedLater === 0
          ? ''
          : `, and ${count(found.replacedLater)} were replaced later`),
    ],
  ];
  const wrong = claims.filter(([, isRight]) => !isRight);
  return [
    ...wrong.map(([what, , message]) => ({ what, message, places: [] })),
    ...(others.length === 0 ? [] : [chunkDifference(others)]),
  ];
}

function chunkDifference(others: readonly DoneChunk[]): Difference {
  return {
    what: 'OtherChunk',
    message: `${one(others.length, 'chunk has', 'chunks have')} other counts in the ledger than in the source`,
    places: others
      .slice(0, placesMax)
      .map(({ offset, firstLine }) => ({ offset, line: firstLine })),
  };
}

const sentences: Readonly<Record<Finding, (found: number) => string>> = {
  RowMissing: (found) => `${one(found, 'row is', 'rows are')} missing from the table`,
  RowExtra: (found) =>
    `${one(found, 'row', 'rows')} of the table came from no record of the source`,
  OtherRecord: (found) =>
    `${one(found, 'row stands', 'rows stand')} for another record than the one that wins the key`,
  OlderRow: (found) =>
    `${one(found, 'row is', 'rows are')} still that of an earlier import, which this one replaces`,
  OtherValues: (found) => `${one(found, 'row holds', 'rows hold')} other values than the source`,
  RejectMissing: (found) => `${one(found, 'reject is', 'rejects are')} missing`,
  RejectExtra: (found) => `${one(found, 'reject', 'rejects')} came from no record of the source`,
};

async function tableDifferences(findings: Findings): Promise<readonly Difference[]> {
  const { counts, places } = findings.found;
  const differences: Difference[] = [];
  for (const what of Object.keys(sentences) as Finding[]) {
    if (counts[what] === 0) continue;
    const found: Place[] = [];
    for (const place of places.filter(({ finding }) => finding === what)) {
      // One after the other: each reads as much as a chunk.
      found.push(await withLine(place, findings));
    }
    differences.push({ what, message: sentences[what](counts[what]), places: found });
  }
  return differences;
}

/** Reads the chunk up to the record once more; there are only a few of these. */
async function withLine(
  { offset, columns }: FoundPlace,
  { chunks, source, pinned, dialect }: Findings,
): Promise<Place> {
  const named = columns === undefined ? {} : { columns };
  const chunk = chunks.find((one) => one.offset <= offset && offset < one.offset + one.length);
  if (chunk === undefined) return { offset, ...named };
  const before = { offset: chunk.offset, length: offset - chunk.offset };
  const units = unitsOf(dialect).of(await source.readRange(pinned, before));
  const line = chunk.firstLine + countLineEnds(units);
  return { offset, line, ...named };
}

function count(value: number): string {
  return value.toLocaleString('en');
}

function one(value: number, single: string, several: string): string {
  return `${count(value)} ${value === 1 ? single : several}`;
}

function records(value: number): string {
  return one(value, 'record', 'records');
}

function rows(value: number): string {
  return one(value, 'row', 'rows');
}
