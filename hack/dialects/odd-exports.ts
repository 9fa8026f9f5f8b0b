/**
 * Files that are tables to a person although their form is odd: two rows of names, sections, pages,
 * names that lack the first column, names behind comment signs.
 */
import type { Random } from '@millrace/runtimes/csv/test/tables';
import {
  above,
  draftOf,
  lineOf,
  restyled,
  textOf,
  type Draft,
  type Line,
  type Row,
} from './draft.ts';
import {
  cities,
  clockTime,
  countries,
  decimal,
  goods,
  grouped,
  isoDate,
  pad,
  people,
  phrase,
  times,
} from './words.ts';

const blank: Line = { text: '', role: 'blank', row: [] };

/** Groups of columns above the names: the row that names every column is the header. */
export function crosstab(random: Random): Draft {
  const years = times(2 + random.below(3), (index) => String(2018 + index));
  const header = ['Region', 'Code', ...years.flatMap(() => ['Men', 'Women'])];
  const rows = times(6 + random.below(30), (row) => [
    random.pick(cities),
    `${100 + row}`,
    ...years.flatMap(() => [grouped(random), grouped(random)]),
  ]);
  const draft = draftOf(random, { header, rows }, { delimiter: random.pick([',', ';']) });
  const groups = ['', '', ...years.flatMap((year) => [year, ''])];
  const title = ['Residents by region', ...times(header.length - 1, () => '')];
  const intro = random.chance(0.6) ? [title, groups] : [groups];
  const note: Row = ['Source: register of residents', ...times(header.length - 1, () => '')];
  return {
    ...draft,
    lines: [...above(intro.map((row) => textOf(draft, row))), ...draft.lines, lineOf(draft, note)],
  };
}

export function sections(random: Random): Draft {
  const header = ['Item', 'Supplier', 'Price', 'In stock'];
  const part = (name: string): Row[] => [
    [name, '', '', ''],
    ...times(4 + random.below(12), () => [
      random.pick(goods),
      random.pick(people),
      decimal(random),
      String(random.below(99)),
    ]),
  ];
  return draftOf(
    random,
    { header, rows: ['Kitchen', 'Garden', 'Office'].flatMap(part) },
    { delimiter: random.pick([',', ';', '\t']) },
  );
}

export function pages(random: Random): Draft {
  const header = ['Account', 'Holder', 'Opened', 'Balance'];
  const page = (): Row[] =>
    times(5 + random.below(20), () => [
      String(10_000 + random.below(9_999)),
      random.pick(people),
      isoDate(random),
      decimal(random),
    ]);
  const draft = draftOf(
    random,
    { header, rows: page() },
    { delimiter: random.pick([',', ';', '|']) },
  );
  const head = draft.lines[0];
  const again: Line[] =
    head === undefined ? [] : [blank, lineOf(draft, ['Page 2']), { ...head, role: 'record' }];
  const second = page().map((row) => lineOf(draft, row));
  return { ...draft, lines: [...above(['Page 1']), ...draft.lines, ...again, ...second] };
}

/** An index without a name. */
export function frame(random: Random): Draft {
  const header = ['', 'city', 'mean', 'std', 'label'];
  const rows = times(6 + random.below(40), (row) => [
    String(row),
    random.pick(cities),
    random.next().toFixed(6),
    random.next().toFixed(6),
    random.pick(['a', 'b']),
  ]);
  return draftOf(random, { header, rows }, { delimiter: random.pick([',', '\t']) });
}

/** Row names that the header does not name. */
export function rowNames(random: Random): Draft {
  const header = ['mpg', 'cyl', 'weight', 'model'];
  const rows = times(6 + random.below(30), (row) => [
    String(row + 1),
    decimal(random, 40),
    String(2 + random.below(8)),
    decimal(random, 5),
    random.pick(goods),
  ]);
  return draftOf(
    random,
    { header, rows },
    { delimiter: random.pick([' ', ',', '\t']), quoting: 'text' },
  );
}

export function webLog(random: Random): Draft {
  const fields = ['date', 'time', 'ip', 'method', 'path', 'status', 'ms'];
  const rows = times(10 + random.below(40), () => [
    isoDate(random),
    clockTime(random),
    `10.1.0.${random.below(255)}`,
    random.pick(['GET', 'POST']),
    `/${random.pick(['a', 'b/c'])}`,
    random.pick(['200', '404']),
    String(random.below(900)),
  ]);
  const draft = draftOf(random, { header: null, rows }, { delimiter: ' ', quote: '' });
  const intro = [
    '#Software: web server',
    '#Version: 1.0',
    `#Date: ${isoDate(random)} 00:00:00`,
    `#Fields: ${fields.join(' ')}`,
  ];
  return { ...draft, lines: [...above(intro), ...draft.lines] };
}

export function variants(random: Random): Draft {
  const header = ['#CHROM', 'POS', 'ID', 'REF', 'ALT', 'QUAL', 'INFO'];
  const rows = times(8 + random.below(40), () => [
    String(1 + random.below(22)),
    String(random.below(9_999_999)),
    '.',
    random.pick(['A', 'C']),
    random.pick(['G', 'T']),
    String(random.below(99)),
    `DP=${random.below(99)};AF=0.${random.below(9)}`,
  ]);
  const draft = draftOf(random, { header, rows }, { delimiter: '\t', quote: '' });
  return {
    ...draft,
    lines: [
      ...above([
        '##format=4.2',
        '##source=caller',
        '##INFO=<ID=DP,Number=1,Description="Depth, total">',
      ]),
      ...draft.lines,
    ],
  };
}

export function prose(random: Random): Draft {
  const sentence = (): string =>
    `${random.pick(people)} went to ${random.pick(cities)}, where ${phrase(random).replaceAll('"', '')} was said.`;
  const draft = draftOf(
    random,
    { header: null, rows: times(5 + random.below(20), () => [sentence()]) },
    { quote: '', delimiter: '\t' },
  );
  return draft;
}

export function contacts(random: Random): Draft {
  const header = ['First Name', 'Last Name', 'Phone', 'Notes', 'Address', 'Phone', ''];
  const rows = times(4 + random.below(20), () => {
    const [first = '', last = ''] = random.pick(people).split(' ');
    return [
      first,
      last,
      `+49 30 ${random.below(999_999)}`,
      random.chance(0.5) ? '' : phrase(random),
      `${random.pick(cities)}\n${random.pick(countries)}`,
      '',
      '',
    ];
  });
  return draftOf(random, { header, rows }, { hasMark: random.chance(0.5), lineEnd: '\r\n' });
}

/** A few rows under much of a title. */
export function shortReport(random: Random): Draft {
  const header = ['Month', 'Sales', 'Cost', 'Profit'];
  const rows = times(2 + random.below(3), (row) => [
    `2024-${pad(row + 1)}`,
    grouped(random),
    grouped(random),
    grouped(random),
  ]);
  const draft = draftOf(random, { header, rows }, { delimiter: random.pick([',', ';', '\t']) });
  const intro = ['Monthly report', `Printed ${isoDate(random)}`, 'All figures in thousands', ''];
  return { ...draft, lines: [...above(intro), ...draft.lines] };
}

/** Words only, so that nothing but sense tells names from values. */
export function glossary(random: Random): Draft {
  const header = ['term', 'explanation'];
  const rows = times(6 + random.below(20), (row) => [
    `${random.pick(['alpha', 'beta', 'gamma'])} ${row}`,
    phrase(random),
  ]);
  return restyled(draftOf(random, { header, rows }), { delimiter: random.pick([',', ';', '\t']) });
}
