/** What `millrace verify` prints for people; no value and no key is ever in it. */
import { styleText } from 'node:util';
import type { Difference, Place, VerifyReport } from '@millrace/runtimes/csv-import/verify/report';
import { count } from '../play/view/figures.ts';

export interface VerifyPage {
  readonly name: string;
  readonly table: string;
  readonly report: VerifyReport;
  readonly seconds: number;
}

export function verifyPage({ name, table, report, seconds }: VerifyPage): string {
  const { totals, compared } = report;
  const verdict = report.equal
    ? styleText('green', 'equal')
    : styleText('red', one(report.differences.length, 'difference', 'differences'));
  return [
    `${styleText('bold', name)}: ${verdict}`,
    figure('read', totals.read, '= loaded + superseded + rejected'),
    figure('loaded', totals.loaded, laterRows(report)),
    figure('superseded', totals.superseded, ''),
    figure('rejected', totals.rejected, replayedSince(report)),
    `  compared: ${one(compared.records, 'record', 'records')} of the source (${count(compared.bytes)} bytes in ${one(compared.chunks, 'chunk', 'chunks')})`,
    `    with ${rowsOf(report, table)} and ${one(compared.rejects, 'reject', 'rejects')} of ${table}_rejects, in ${seconds.toFixed(1)} s`,
    ...report.differences.flatMap(differenceLines),
  ].join('\n');
}

function figure(label: string, value: number, note: string): string {
  return `  ${label.padEnd(11)}${count(value).padStart(14)}  ${note}`.trimEnd();
}

function laterRows({ compared }: VerifyReport): string {
  return compared.replacedLater === 0
    ? ''
    : `${count(compared.replacedLater)} of them replaced by a later import since`;
}

function replayedSince({ compared: { replayed } }: VerifyReport): string {
  return replayed === 0 ? '' : `${count(replayed)} more were repaired and replayed`;
}

function rowsOf({ compared }: VerifyReport, table: string): string {
  const rows = `${one(compared.rows, 'row', 'rows')} of ${table}`;
  return compared.columns.length === 0
    ? `the number of rows of ${table}, since it has neither keys nor positions,`
    : `${rows} by value in ${one(compared.columns.length, 'column', 'columns')}`;
}

function differenceLines({ message, places }: Difference): readonly string[] {
  return [
    `  ${styleText('red', '-')} ${message}`,
    ...places.map((place) => `      ${where(place)}`),
  ];
}

function where({ line, offset, columns }: Place): string {
  const at = `${line === undefined ? '' : `line ${count(line)}, `}byte ${count(offset)}`;
  return columns === undefined ? at : `${at}: ${columns.map(printable).join(', ')}`;
}

/** Names may come from the file: control characters in them must not reach the terminal. */
function printable(name: string): string {
  return name.replace(/\p{C}/gu, '·');
}

function one(value: number, single: string, several: string): string {
  return `${count(value)} ${value === 1 ? single : several}`;
}
