/** The page that `millrace preview` prints for people. */

import { styleText } from 'node:util';
import type { Preview } from '@millrace/runtimes/csv/preview';

const names: Record<string, string> = {
  ',': 'comma',
  ';': 'semicolon',
  '\t': 'tab',
  '|': 'pipe',
  ' ': 'space',
  Spaces: 'runs of spaces',
  WideSpaces: 'runs of two or more spaces',
  ':': 'colon',
  '\u001f': 'none (one column)',
};

const columnsShown = 40;

export function previewPage(file: string, preview: Preview): string {
  const { dialect, rejects } = preview;
  const delimiter = names[dialect.delimiter] ?? JSON.stringify(dialect.delimiter);
  const lines = [
    styleText('bold', file),
    row('size', `${count(preview.bytes)} bytes, ${count(preview.records)} records`),
    row('delimiter', delimiter + (dialect.padded ? ', with spaces after it' : '')),
    row('quote', dialect.quote === 'None' ? 'none' : `${dialect.quote}  escape ${dialect.escape}`),
    row('encoding', dialect.encoding + (dialect.bom ? ' with mark' : '')),
    row('header', dialect.header),
    row('preamble', dialect.preambleLines === 0 ? 'none' : `${dialect.preambleLines} lines`),
    row('confidence', `${Math.round(preview.confidence * 100)} %${other(preview)}`),
    ...preview.reasons.map((reason) => row('', styleText('dim', reason))),
    row('skipped', `${count(preview.comments)} comments, ${count(preview.blank)} blank lines`),
    row('rejects', rejects.total === 0 ? 'none' : styleText('yellow', rejectCounts(preview))),
    ...rejects.first.map(({ line, reason }) => row('', `line ${count(line)}: ${reason}`)),
    ...columnLines(preview),
    '',
  ];
  return lines.join('\n');
}

/** What to try if the reading is not the one that is meant. */
function other({ ambiguous, runnerUp }: Preview): string {
  if (!ambiguous) return '';
  return styleText(
    'yellow',
    `, ambiguous: --format '${JSON.stringify(runnerUp)}' reads it otherwise`,
  );
}

function row(label: string, text: string): string {
  return `  ${label.padEnd(11)}${text}`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

function rejectCounts({ rejects }: Preview): string {
  const parts = Object.entries(rejects.byReason).map(
    ([reason, total]) => `${reason} ${count(total)}`,
  );
  return `${count(rejects.total)} (${parts.join(', ')})`;
}

function columnLines({ columns }: Preview): string[] {
  if (columns.length === 0) return [];
  const shown = columns.slice(0, columnsShown);
  // Names come from the file: control characters in them must not reach the terminal.
  const printable = shown.map(({ name }) => name.replace(/\p{C}/gu, '·').slice(0, 60));
  const width = Math.max(...printable.map((name) => name.length), 4);
  const lines = shown.map(({ type, empty }, index) =>
    row(
      '',
      `${(printable[index] ?? '').padEnd(width)}  ${type.padEnd(9)} ${empty > 0 ? `${count(empty)} empty` : ''}`.trimEnd(),
    ),
  );
  if (columns.length > columnsShown)
    lines.push(row('', `and ${count(columns.length - columnsShown)} more`));
  return [row('columns', count(columns.length)), ...lines];
}
