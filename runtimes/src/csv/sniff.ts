/**
 * Finds out how a file is written, from its first MiB and pieces from later in it: encoding, then
 * delimiter, quotes and escape by reading it with every candidate and keeping the reading that looks
 * most like a table, then where the table begins and whether its first record names the columns.
 *
 * Fields that the format fixes are not searched. The result holds no values of the file, so that it
 * can be shown in status.
 */

import { ColumnGuess, type ColumnType } from './column-type.ts';
import { fixed, standardDialect, type Dialect, type FormatSpec } from './dialect.ts';
import { readSample } from './sniff-candidate.ts';
import { beginningOf, recordsOf } from './sniff-excerpt.ts';
import { findingsOf, type Findings } from './sniff-findings.ts';
import { sniffHeader } from './sniff-header.ts';
import { rowsOf } from './sniff-rows.ts';
import { takeSample, type Sample, type SampleOptions } from './sniff-sample.ts';
import { search } from './sniff-search.ts';

export interface Sniffed extends Findings {
  readonly dialect: Dialect;
  /** The number of fields that most records have; 0 if there are none. */
  readonly width: number;
  /** A guess from the sample, one for each column of the usual width. */
  readonly columnTypes: readonly ColumnType[];
}

const headerRowsMax = 200;

export function sniff(head: Buffer, given: FormatSpec, options: SampleOptions): Sniffed {
  const sample = takeSample(head, given, options);
  const format = hinted(given, sample);
  const found = search(sample, format);
  const { best } = found;
  const preambleLines = format.preambleLines ?? found.preambleLines;
  const start = recordsOf(beginningOf(found.table), best.dialect);
  const table = rowsOf(start, best.dialect).map(({ cells }) => cells);
  const guess = sniffHeader(table.slice(0, headerRowsMax), best.width);
  const header = format.header === 'Present' || (format.header !== 'Absent' && guess.isHeader);
  const later =
    found.pieces.length === 0 ? undefined : readSample(Buffer.concat(found.pieces), best.dialect);
  const findings = findingsOf({
    ...found,
    later,
    preambleLines,
    format: given,
    header: guess,
    encodingReason: fixed(given.encoding) === undefined ? sample.guess.reason : 'given',
  });
  return {
    ...findings,
    dialect: finished(best.dialect, { header, sample, preambleLines }),
    width: best.width,
    columnTypes: columnTypes(header ? table.slice(1) : table, best.width),
  };
}

/** The sample is UTF-8 without a mark, whatever the file is. */
function finished(
  found: Dialect,
  { header, sample, preambleLines }: { header: boolean; sample: Sample; preambleLines: number },
): Dialect {
  const { encoding, guess } = sample;
  return {
    ...standardDialect,
    ...found,
    header,
    encoding,
    bomBytes: guess.bomBytes,
    ...(preambleLines === 0 ? {} : { preambleLines }),
  };
}

function hinted(format: FormatSpec, { hint }: Sample): FormatSpec {
  const isFree = hint !== undefined && fixed(format.delimiter) === undefined;
  return isFree ? { ...format, delimiter: hint.delimiter } : format;
}

function columnTypes(rows: readonly (readonly string[])[], width: number): ColumnType[] {
  const guesses = Array.from({ length: width }, () => new ColumnGuess());
  for (const row of rows) {
    if (row.length === width) for (const [index, cell] of row.entries()) guesses[index]?.add(cell);
  }
  return guesses.map((guess) => guess.type);
}
