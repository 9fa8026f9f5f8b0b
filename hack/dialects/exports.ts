/**
 * Files in the style of what people's programs export: shops, banks, portals, spreadsheets, surveys.
 * Every one is made of a seed; none holds anything of a real file but its manner.
 */
import { tableCase, type Random } from '@millrace/runtimes/csv/test/tables';
import { above, draftOf, lineOf, textOf, type Draft, type Line, type Row } from './draft.ts';
import {
  accessLog,
  accounts,
  aligned,
  copyText,
  databaseDump,
  device,
  eventLog,
  matrix,
} from './machine-exports.ts';
import {
  contacts,
  crosstab,
  frame,
  glossary,
  pages,
  prose,
  rowNames,
  sections,
  shortReport,
  variants,
  webLog,
} from './odd-exports.ts';
import {
  cities,
  clockTime,
  countries,
  decimal,
  germanAmount,
  germanDate,
  goods,
  grouped,
  isoDate,
  pad,
  people,
  phrase,
  times,
} from './words.ts';

type Export = (random: Random, seed: number) => Draft;

function shop(random: Random): Draft {
  const header = [
    'Date',
    'Time',
    'Qty',
    'Item',
    'Price',
    'Category',
    'Description',
    'Link',
    'Remarks',
  ];
  const rows = times(8 + random.below(60), (row) => [
    `${1 + random.below(12)}/${1 + random.below(28)}/24`,
    clockTime(random).slice(0, 5),
    String(1 + random.below(9)),
    `${random.pick(['A', 'B', 'XK'])}-${1000 + row}`,
    decimal(random),
    random.pick(['Home', 'Garden', 'Office']),
    random.pick(goods),
    `http://shop.example.com/i?id=${row}`,
    random.chance(0.4) ? '' : phrase(random),
  ]);
  return draftOf(random, { header, rows });
}

function bankWithPreamble(random: Random): Draft {
  const header = [
    'Buchungstag',
    'Wertstellung',
    'Empfänger',
    'Verwendungszweck',
    'Betrag (€)',
    'Währung',
  ];
  const rows = times(5 + random.below(40), () => [
    germanDate(random),
    germanDate(random),
    random.pick(people),
    phrase(random),
    germanAmount(random),
    'EUR',
  ]);
  const style = {
    delimiter: ';',
    quoting: random.pick(['all', 'needed', 'text'] as const),
    lineEnd: '\r\n',
    encoding: random.pick(['Windows-1252', 'UTF-8'] as const),
  };
  const draft = draftOf(random, { header, rows }, style);
  const intro: readonly Row[] = [
    ['Kontonummer:', 'DE00 1234 5678 9000 / Girokonto'],
    ['Zeitraum:', '01.01.2024 - 31.03.2024'],
    ['Kontostand vom 31.03.2024:', `${germanAmount(random)} EUR`],
  ];
  const texts = intro.slice(0, 1 + random.below(3)).map((row) => textOf(draft, row));
  const gap = random.chance(0.7) ? [''] : [];
  const total = random.chance(0.5)
    ? [lineOf(draft, ['', '', '', 'Saldo', germanAmount(random), 'EUR'])]
    : [];
  return { ...draft, lines: [...above([...texts, ...gap]), ...draft.lines, ...total] };
}

function bankPlain(random: Random): Draft {
  const header = ['Posting Date', 'Description', 'Amount', 'Type', 'Balance', 'Check #'];
  const rows = times(5 + random.below(40), () => [
    `${pad(1 + random.below(12))}/${pad(1 + random.below(28))}/2024`,
    `${random.pick(cities).toUpperCase()} ${random.below(9999)}`,
    `-${decimal(random)}`,
    random.pick(['DEBIT', 'CREDIT', 'FEE']),
    grouped(random),
    '',
  ]);
  return draftOf(random, { header, rows }, { quoting: random.pick(['needed', 'text', 'all']) });
}

function portal(random: Random): Draft {
  const start = 2005 + random.below(10);
  const years = times(3 + random.below(8), (index) => String(start + index));
  const header = ['Country', 'Code', ...years];
  const rows = times(8 + random.below(40), () => [
    random.pick(countries),
    random.pick(['DEU', 'FRA', 'KOR', 'BRA', 'NOR']),
    ...years.map(() => (random.chance(0.15) ? random.pick(['..', '', 'n/a']) : grouped(random))),
  ]);
  const draft = draftOf(random, { header, rows });
  const intro = [
    `Population by country, ${years[0]} to ${years.at(-1)}`,
    'Source: statistical office, own calculations',
    'Last updated: 2024-03-01',
  ].slice(0, 1 + random.below(3));
  const notes = [['Note: figures are provisional'], ['(1) estimated']].slice(0, random.below(3));
  const gap = random.chance(0.6) ? [''] : [];
  const after: Line[] = [
    ...(notes.length > 0 ? [{ text: '', role: 'blank' as const, row: [] }] : []),
    ...notes.map((row) => lineOf(draft, row)),
  ];
  // Spreadsheets quote a title that holds a comma; other writers do not.
  const quoted = intro.map((text) => (random.chance(0.6) ? textOf(draft, [text]) : text));
  return { ...draft, lines: [...above([...quoted, ...gap]), ...draft.lines, ...after] };
}

function spreadsheet(random: Random): Draft {
  const header = ['Region', 'Product', 'Units', 'Revenue', 'Margin', ''];
  const rows = times(6 + random.below(40), () => [
    random.pick(['North', 'South', 'East', 'West']),
    random.pick(goods),
    grouped(random),
    `$${decimal(random)}`,
    `${random.below(60)}%`,
    '',
  ]);
  const style = random.pick([
    { delimiter: ',' },
    { delimiter: ';' },
    { delimiter: '\t', encoding: 'UTF-16LE' as const, hasMark: true },
    { delimiter: ',', hasMark: true },
  ]);
  const draft = draftOf(random, { header, rows }, { ...style, lineEnd: '\r\n' });
  const intro = [
    ['Quarterly report', '', '', '', '', ''],
    ['', '', '', '', '', ''],
    ['As of', isoDate(random), '', '', '', ''],
  ].slice(0, random.below(4));
  const total = lineOf(draft, ['Total', '', grouped(random), `$${decimal(random)}`, '', '']);
  return {
    ...draft,
    lines: [...above(intro.map((row) => textOf(draft, row))), ...draft.lines, total],
  };
}

/** Columns aligned by spaces: two or more between them, since values hold single ones or none. */
function timetable(random: Random): Draft {
  const header = [
    'stop_id',
    'stop_name',
    'stop_lat',
    'stop_lon',
    'location_type',
    'parent_station',
  ];
  const rows = times(8 + random.below(60), (row) => [
    `de:${1000 + row}:1`,
    `${random.pick(cities)} Hbf`,
    (45 + random.next() * 9).toFixed(6),
    (6 + random.next() * 9).toFixed(6),
    random.chance(0.5) ? '' : '1',
    '',
  ]);
  return draftOf(
    random,
    { header, rows },
    {
      quoting: random.pick(['needed', 'all', 'text']),
      hasMark: random.chance(0.4),
      lineEnd: '\r\n',
    },
  );
}

function survey(random: Random): Draft {
  const header = [
    'Timestamp',
    'How satisfied are you, overall?',
    'What did you like?',
    'Would you recommend us (yes/no)?',
    'Anything else?',
  ];
  const rows = times(6 + random.below(30), () => [
    `2024/${pad(1 + random.below(12))}/${pad(1 + random.below(28))} ${clockTime(random)}`,
    String(1 + random.below(5)),
    random.pick(goods),
    random.pick(['yes', 'no', 'Yes']),
    random.chance(0.4) ? '' : `${phrase(random)}${random.chance(0.3) ? `\n${phrase(random)}` : ''}`,
  ]);
  return draftOf(random, { header, rows }, { quoting: random.pick(['needed', 'all']) });
}

function statistics(random: Random): Draft {
  const header = ['Jahr', 'Gemeinde', 'Einwohner', 'Fläche', 'Dichte'];
  const rows = times(8 + random.below(60), (row) => [
    String(1990 + (row % 30)),
    random.pick(cities),
    String(random.below(900_000)),
    germanAmount(random).replace('-', ''),
    germanAmount(random).replace('-', ''),
  ]);
  return draftOf(
    random,
    { header, rows },
    { delimiter: ';', encoding: random.pick(['Windows-1252', 'UTF-8']) },
  );
}

function directory(random: Random): Draft {
  const header = random.chance(0.8) ? ['Name', 'City', 'Country', 'Role'] : null;
  const rows = times(6 + random.below(40), () => [
    random.pick(people),
    random.pick(cities),
    random.pick(countries),
    random.pick(['clerk', 'engineer', 'head of sales']),
  ]);
  return draftOf(random, { header, rows }, { delimiter: random.pick([',', ';', '|', '\t']) });
}

function oneColumn(random: Random): Draft {
  const [name, make] = random.pick<readonly [string, () => string]>([
    ['email', () => `${random.pick(['a', 'b', 'c'])}${random.below(999)}@example.com`],
    ['full name', () => random.pick(people)],
    ['created', () => `${isoDate(random)} ${clockTime(random)}`],
    ['id', () => String(random.below(99_999))],
  ]);
  const header = random.chance(0.7) ? [name] : null;
  return draftOf(random, { header, rows: times(6 + random.below(40), () => [make()]) });
}

function mixture(random: Random, seed: number): Draft {
  for (let number = seed * 17; ; number += 1) {
    const { rows, dialect } = tableCase(number);
    const [header = [], ...body] = rows;
    if (!dialect.header || header.length < 3 || body.length < 4) continue;
    return draftOf(
      random,
      { header, rows: body },
      {
        delimiter: String.fromCharCode(dialect.delimiter),
        quoting: random.pick(['needed', 'text', 'all']),
      },
    );
  }
}

export const exportStyles: Readonly<Record<string, Export>> = {
  shop,
  'bank, preamble': bankWithPreamble,
  'bank, plain': bankPlain,
  portal,
  spreadsheet,
  'access log': accessLog,
  'event log': eventLog,
  device,
  'database dump': databaseDump,
  'copy text': copyText,
  accounts,
  aligned,
  timetable,
  survey,
  statistics,
  matrix,
  directory,
  'one column': oneColumn,
  mixture,
  crosstab,
  sections,
  pages,
  frame,
  'row names': rowNames,
  'web log': webLog,
  variants,
  prose,
  contacts,
  'short report': shortReport,
  glossary,
};
