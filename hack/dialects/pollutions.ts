/**
 * What goes wrong with files: each entry changes a draft the way surveys of public files name it.
 * Adding a pollution is adding an entry; the truth changes with it.
 */
import {
  above,
  cellOf,
  lineOf,
  restyled,
  textOf,
  type Draft,
  type Line,
  type Row,
  type Style,
} from './draft.ts';
import { isoDate, times } from './words.ts';

type Pollution = (draft: Draft) => Draft;

/** The index of a record's line; -1 if there is none. */
function place(draft: Draft): number {
  const records = draft.lines.flatMap(({ role }, index) => (role === 'record' ? [index] : []));
  return records.length === 0 ? -1 : draft.random.pick(records);
}

function withLine(draft: Draft, at: number, change: Partial<Line>): Draft {
  return {
    ...draft,
    lines: draft.lines.map((line, index) => (index === at ? { ...line, ...change } : line)),
  };
}

/** One line written by hand: `write` makes its text and what is read on it. */
function onRecord(draft: Draft, write: (row: Row, line: Line) => Partial<Line> | undefined): Draft {
  const at = place(draft);
  const line = draft.lines[at];
  const change = line === undefined ? undefined : write(line.row, line);
  return change === undefined ? draft : withLine(draft, at, change);
}

/** One plain cell written by hand. */
function onCell(draft: Draft, write: (value: string) => readonly [string, string]): Draft {
  return onRecord(draft, (row) => {
    const plain = row.flatMap((value, column) => (/^[\p{L}\p{N}.]+$/u.test(value) ? [column] : []));
    if (plain.length === 0) return undefined;
    const column = draft.random.pick(plain);
    const [text, read] = write(row[column] ?? '');
    const cells = row.map((value, index) => (index === column ? text : cellOf(draft, value)));
    return {
      text: cells.join(draft.delimiter),
      row: row.map((value, index) => (index === column ? read : value)),
    };
  });
}

function appended(draft: Draft, lines: readonly Line[]): Draft {
  return { ...draft, lines: [...draft.lines, ...lines] };
}

function prefixed(draft: Draft, texts: readonly string[]): Draft {
  return { ...draft, lines: [...above(texts), ...draft.lines] };
}

function widthOf(draft: Draft): number {
  return (
    draft.lines.find(({ role }) => role === 'header')?.row.length ?? draft.lines[0]?.row.length ?? 1
  );
}

const blank: Line = { text: '', role: 'blank', row: [] };
const smaller: readonly Row[] = [
  ['code', 'label'],
  ['A1', 'north'],
  ['B2', 'south'],
  ['C3', 'west'],
];

function wider(width: number): Row[] {
  const names = times(width + 2, (column) => `extra${column}`);
  return [names, ...times(4, (row) => times(width + 2, (column) => String(row * 10 + column)))];
}

function restyle(style: Style): Pollution {
  return (draft) => restyled(draft, style);
}

/** A title line: with a delimiter in it, it is read as the writer of titles quotes it, or not. */
const titles = [
  'Sales report',
  'Produced by finance, all regions',
  'Period: first quarter',
  'Confidential; do not share',
];

const file: Record<string, Pollution> = {
  'nothing wrong': (draft) => draft,
  'empty file': (draft) => ({ ...draft, lines: [] }),
  'header only': (draft) => ({
    ...draft,
    lines: draft.lines.filter(({ role }) => role === 'header'),
  }),
  'one record': (draft) => ({ ...draft, lines: draft.lines.slice(0, 2) }),
  'no header': (draft) => ({
    ...draft,
    lines: draft.lines.filter(({ role }) => role !== 'header'),
  }),
  'two header rows': (draft) => {
    const units = times(widthOf(draft), (column) => (column % 2 === 0 ? 'unit' : ''));
    return {
      ...draft,
      lines: [...draft.lines.slice(0, 1), lineOf(draft, units), ...draft.lines.slice(1)],
    };
  },
  'no last line end': (draft) => ({ ...draft, endsWithLineEnd: false }),
  'empty lines at the end': (draft) => appended(draft, [blank, blank]),
  'empty lines at the start': (draft) => ({ ...draft, lines: [blank, blank, ...draft.lines] }),
  'empty lines between': (draft) => ({
    ...draft,
    lines: draft.lines.flatMap((line, index) => (index % 5 === 3 ? [line, blank] : [line])),
  }),
  title: (draft) => prefixed(draft, [titles[0] ?? '']),
  titles: (draft) => prefixed(draft, titles.slice(0, 2 + draft.random.below(3))),
  'titles, empty line': (draft) =>
    prefixed(draft, [...titles.slice(0, 1 + draft.random.below(4)), '']),
  'padded titles': (draft) => {
    const rest = times(widthOf(draft) - 1, () => '');
    return prefixed(
      draft,
      titles.slice(0, 1 + draft.random.below(3)).map((title) => textOf(draft, [title, ...rest])),
    );
  },
  'names and values above': (draft) =>
    prefixed(
      draft,
      [
        ['Created', isoDate(draft.random)],
        ['Rows', '99'],
        ['Author', 'Ann'],
      ]
        .map((row) => textOf(draft, row))
        .concat(draft.random.chance(0.5) ? [''] : []),
    ),
  'commented lines above': (draft) =>
    prefixed(draft, ['# exported by a tool', `# ${isoDate(draft.random)}, all rows`]),
  'separator hint': (draft) => {
    const hint: Line = { text: `sep=${draft.delimiter}`, role: 'blank', row: [] };
    return draft.encoding === 'UTF-8' ? { ...draft, lines: [hint, ...draft.lines] } : draft;
  },
  'note below': (draft) => appended(draft, [blank, lineOf(draft, ['Source: own figures'])]),
  'notes below': (draft) =>
    appended(draft, [
      lineOf(draft, ['(1) estimated']),
      lineOf(draft, ['(2) see the annual report']),
    ]),
  'total below': (draft) =>
    appended(draft, [lineOf(draft, ['Total', ...times(widthOf(draft) - 1, () => '')])]),
  'smaller table below': (draft) =>
    appended(draft, [blank, ...smaller.map((row) => lineOf(draft, row))]),
  'wider table below': (draft) =>
    appended(draft, [blank, ...wider(widthOf(draft)).map((row) => lineOf(draft, row))]),
  'the same table again': (draft) =>
    appended(draft, [
      blank,
      ...draft.lines.slice(0, 5).map((line) => ({ ...line, role: 'record' as const })),
    ]),
  'header repeated': (draft) => {
    const head = draft.lines[0];
    if (head === undefined || draft.lines.length < 4) return draft;
    const middle = draft.lines.length >> 1;
    return {
      ...draft,
      lines: [
        ...draft.lines.slice(0, middle),
        { ...head, role: 'record' },
        ...draft.lines.slice(middle),
      ],
    };
  },
  'delimiter at the end of rows': (draft) =>
    restyled(
      {
        ...draft,
        lines: draft.lines.map((line) => ({
          ...line,
          row: line.row.length === 0 ? [] : [...line.row, ''],
        })),
      },
      {},
    ),
  'delimiter at the end of records': (draft) =>
    restyled(
      {
        ...draft,
        lines: draft.lines.map((line) => ({
          ...line,
          row: line.role === 'record' ? [...line.row, ''] : line.row,
        })),
      },
      {},
    ),
  'empty names': (draft) =>
    onHeader(draft, (names) => names.map((name, column) => (column % 3 === 1 ? '' : name))),
  'the same name twice': (draft) =>
    onHeader(draft, (names) => [names[0] ?? '', names[0] ?? '', ...names.slice(2)]),
  'upper case, all quoted': (draft) =>
    onHeader(restyled(draft, { quoting: 'all' }), (names) =>
      names.map((name) => name.toUpperCase()),
    ),
};

function onHeader(draft: Draft, change: (names: Row) => Row): Draft {
  return restyled(
    {
      ...draft,
      lines: draft.lines.map((line) =>
        line.role === 'header' ? { ...line, row: change(line.row) } : line,
      ),
    },
    {},
  );
}

const dialects: Record<string, Pollution> = {
  semicolons: restyle({ delimiter: ';' }),
  tabs: restyle({ delimiter: '\t' }),
  pipes: restyle({ delimiter: '|' }),
  spaces: restyle({ delimiter: ' ' }),
  'commas and spaces': restyle({ delimiter: ', ' }),
  carets: restyle({ delimiter: '^' }),
  tildes: restyle({ delimiter: '~' }),
  'unit separators': restyle({ delimiter: '\u001f' }),
  'broken bars': restyle({ delimiter: '¦' }),
  'section signs': restyle({ delimiter: '§' }),
  'single quotes': restyle({ quote: "'" }),
  'all quoted': restyle({ quoting: 'all' }),
  'texts quoted': restyle({ quoting: 'text' }),
  backslashes: restyle({ escape: 'Backslash', quoting: 'text' }),
  'line feeds': restyle({ lineEnd: '\n' }),
  'carriage returns': restyle({ lineEnd: '\r' }),
  both: restyle({ lineEnd: '\r\n' }),
  'mixed line ends': (draft) => ({
    ...draft,
    lines: draft.lines.map((line) => ({
      ...line,
      lineEnd: draft.random.pick(['\n', '\r\n', '\r']),
    })),
  }),
  'Windows-1252': restyle({ encoding: 'Windows-1252' }),
  'UTF-8 mark': restyle({ hasMark: true }),
  'UTF-16LE mark': restyle({ encoding: 'UTF-16LE', hasMark: true }),
  'UTF-16LE': restyle({ encoding: 'UTF-16LE' }),
  'UTF-16BE mark': restyle({ encoding: 'UTF-16BE', hasMark: true }),
  'UTF-16BE': restyle({ encoding: 'UTF-16BE' }),
};

const rows: Record<string, Pollution> = {
  'a field less': (draft) =>
    onRecord(draft, (row) =>
      row.length < 3 ? undefined : { text: textOf(draft, row.slice(0, -1)), row: row.slice(0, -1) },
    ),
  'a field more': (draft) =>
    onRecord(draft, (row) => ({ text: textOf(draft, [...row, 'more']), row: [...row, 'more'] })),
  'a delimiter lost': (draft) =>
    onRecord(draft, (row) => {
      const at = row.findIndex(
        (value, column) => /^\w+$/.test(value) && /^\w+$/.test(row[column + 1] ?? ''),
      );
      if (at < 0) return undefined;
      const merged = [...row.slice(0, at), `${row[at]}${row[at + 1]}`, ...row.slice(at + 2)];
      return { text: textOf(draft, merged), row: merged };
    }),
  'a delimiter twice': (draft) =>
    onRecord(draft, (row) => {
      const at = 1 + draft.random.below(Math.max(1, row.length - 1));
      const split = [...row.slice(0, at), '', ...row.slice(at)];
      return { text: textOf(draft, split), row: split };
    }),
  'a row of delimiters': (draft) =>
    onRecord(draft, (row) => ({
      text: textOf(
        draft,
        row.map(() => ''),
      ),
      row: row.map(() => ''),
    })),
  'a row of text': (draft) => onRecord(draft, () => ({ text: 'missing', row: ['missing'] })),
  'a row with another line end': (draft) =>
    onRecord(draft, () => ({ lineEnd: draft.lineEnd === '\n' ? '\r\n' : '\n' })),
  'a quote at the start of a cell': (draft) =>
    onCell(restyled(draft, { quoting: 'needed' }), (value) => [`"${value}`, `"${value}`]),
  'a quote within a cell': (draft) => onCell(draft, (value) => [`${value}"x`, `${value}"x`]),
  'a quote at the end of a cell': (draft) => onCell(draft, (value) => [`${value}"`, `${value}"`]),
  'quotes that nothing escapes': (draft) =>
    onCell(draft, (value) => {
      const { quote } = draft;
      const inner = `${value}-${quote}x${quote}-y`;
      return [`${quote}${inner}${quote}`, inner];
    }),
  'a quote too many': (draft) =>
    onCell(draft, (value) => [
      `${draft.quote}${value}${draft.quote}${draft.quote}`,
      `${value}${draft.quote}`,
    ]),
  'a closing quote lost': (draft) =>
    onCell(restyled(draft, { quoting: 'all' }), (value) => [`${draft.quote}${value}`, value]),
  'text after quotes': (draft) =>
    onCell(draft, (value) => [
      `${draft.quote}${value}${draft.quote}x`,
      `${draft.quote}${value}${draft.quote}x`,
    ]),
  'spaces around a cell': (draft) =>
    draft.delimiter.includes(' ') ? draft : onCell(draft, (value) => [` ${value} `, ` ${value} `]),
  'spaces around quotes': (draft) =>
    draft.delimiter.includes(' ')
      ? draft
      : onCell(draft, (value) => [` ${draft.quote}${value}${draft.quote} `, value]),
  'a NUL': (draft) => onCell(draft, (value) => [`${value}\0`, `${value}\0`]),
  'a long cell': (draft) =>
    onCell(draft, (value) => [value + 'text'.repeat(900), value + 'text'.repeat(900)]),
  'lines in a cell': (draft) =>
    onCell(draft, (value) => {
      const text = `${value}\n\n${draft.random.pick(['more', 'and so on, in full'])}`;
      return [cellOf(draft, text), text];
    }),
};

export const pollutions: Readonly<Record<string, Pollution>> = { ...file, ...dialects, ...rows };

export const rowPollutions: readonly string[] = Object.keys(rows);
export const dialectPollutions: readonly string[] = Object.keys(dialects);
export const filePollutions: readonly string[] = Object.keys(file);
