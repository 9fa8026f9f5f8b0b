/**
 * What the sniffer tells people: how sure it is, why, and what else the file could be. Sentences hold
 * counts and characters of the dialect, never values of the file: they go into status.
 */

import {
  delimiterName,
  fixed,
  preambleLinesMax,
  type Dialect,
  type FormatSpec,
} from './dialect.ts';
import type { Reading } from './sniff-candidate.ts';
import type { HeaderGuess } from './sniff-header.ts';
import type { Found } from './sniff-search.ts';

export interface Findings {
  /** 0 to 1: how sure a person would be. */
  readonly confidence: number;
  /** Why, in sentences without values of the file. At most `reasonsMax`. */
  readonly reasons: readonly string[];
  /** True if another reading is nearly as likely; `runnerUp` says which. */
  readonly ambiguous: boolean;
  /** The other reading, in the spelling of `spec.format`: what to fix if it is the right one. */
  readonly runnerUp: FormatSpec | null;
}

export const reasonsMax = 8;
export const reasonCharactersMax = 256;

/** A score this near to the best one could be the right one. */
const nearShare = 0.93;
/** What is left of the confidence if a header is undecided, or which of two tables is meant. */
const undecidedShare = 0.85;

export interface Seen extends Found {
  readonly format: FormatSpec;
  readonly encodingReason: string;
  readonly preambleLines: number;
  readonly header: HeaderGuess;
  /** How the pieces from later in the file read; undefined without such pieces. */
  readonly later: Reading | undefined;
}

export function findingsOf(seen: Seen): Findings {
  const runnerUp = otherReading(seen);
  const reasons = explain(seen);
  if (runnerUp !== null) {
    reasons.push(`ambiguous: if this is not how the file is meant, set ${spelled(runnerUp)}`);
  }
  return {
    confidence: confidence(seen),
    reasons: reasons.slice(0, reasonsMax).map((reason) => reason.slice(0, reasonCharactersMax)),
    ambiguous: runnerUp !== null,
    runnerUp,
  };
}

function otherReading(seen: Seen): FormatSpec | null {
  const { best, second, format, header, mainLines } = seen;
  if (best.records === 0) return null;
  if (second !== undefined && second.score >= best.score * nearShare) {
    return { delimiter: delimiterName(second.dialect) };
  }
  if (mainLines > 0) return { preambleLines: Math.min(mainLines, preambleLinesMax) };
  if (isOutweighed(seen)) return { preambleLines: 0 };
  const isFree = fixed(format.header) === undefined;
  if (!isFree || header.isSure) return null;
  return { header: header.isHeader ? 'Absent' : 'Present' };
}

/** More lines above the table than records in it: perhaps they are the table. */
function isOutweighed({ best, preambleLines, format }: Seen): boolean {
  return format.preambleLines === undefined && preambleLines > best.records;
}

function spelled(format: FormatSpec): string {
  return Object.entries(format)
    .map(([field, value]) => `format.${field} to ${JSON.stringify(value)}`)
    .join(' and ');
}

function explain(seen: Seen): string[] {
  const { best, second, format, header, later } = seen;
  const reasons = [`encoding: ${seen.encodingReason}`];
  if (best.records === 0) return [...reasons, 'the file holds no records'];
  reasons.push(`delimiter: ${alike(best)}`);
  if (second !== undefined) {
    reasons.push(
      `runner-up: ${name(second.dialect)} scored ${percent(second.score)} against ${percent(best.score)}`,
    );
  }
  const { quotedFields, strayQuotes, bad } = best;
  reasons.push(`quotes: ${quotedFields} quoted fields, ${strayQuotes} stray, ${bad} never closed`);
  if (seen.preambleLines > 0) reasons.push(preambleReason(seen));
  reasons.push(fixed(format.header) === undefined ? `header: ${header.reason}` : 'header: given');
  if (later !== undefined && later.records > 0) reasons.push(`later in the file: ${alike(later)}`);
  return reasons;
}

function preambleReason({ preambleLines, format }: Seen): string {
  const isOne = preambleLines === 1;
  const lines = isOne ? 'one line' : `${preambleLines} lines`;
  if (format.preambleLines !== undefined) return `preamble: ${lines}, given`;
  const why = isOne ? 'does not look like it and is' : 'do not look like it and are';
  return `preamble: ${lines} above the table ${why} skipped`;
}

function alike({ share, records, width }: Reading): string {
  const fields = width === 1 ? 'one field' : `${width} fields`;
  return `${Math.round(share * 100)} % of ${records} records have ${fields}`;
}

function name(dialect: Dialect): string {
  return JSON.stringify(delimiterName(dialect));
}

function percent(score: number): string {
  return `${Math.round(score * 100)} %`;
}

/** Half from the reading itself, half from the distance to the next one. */
function confidence(seen: Seen): number {
  const { best, second, format, header, later, mainLines } = seen;
  if (best.records === 0) return 0;
  const lead =
    second === undefined ? 1 : Math.min(1, (best.score - second.score) / (best.score || 1) / 0.4);
  const share = later === undefined ? best.share : Math.min(best.share, later.share);
  const isHeaderUndecided = fixed(format.header) === undefined && !header.isSure;
  const isUndecided = isHeaderUndecided || mainLines > 0 || isOutweighed(seen);
  const sure = Math.max(0, 0.5 * share + 0.5 * lead) * (isUndecided ? undecidedShare : 1);
  return Math.round(sure * 100) / 100;
}
