/**
 * The files that are parsed: one for each thing that makes parsers slow or fast. Always the same
 * bytes, and nothing in them that one of the parsers reads otherwise than the others.
 */

export interface Sample {
  readonly name: string;
  readonly what: string;
  /** With a header and LF at each line's end. */
  readonly text: (rows: number) => string;
}

const cities = ['Berlin', 'New York', 'Reykjavik', 'Paris', 'Kuala Lumpur', 'Rome'];

export const samples: readonly Sample[] = [
  {
    name: 'plain',
    what: '8 columns of ids, names, times and amounts; no quotes',
    text: (rows) =>
      table('id,first_name,last_name,email,created_at,score,amount,active', rows, (row) => [
        String(1_000_000 + row),
        'Katherine',
        `Lovelace${String(row % 9)}`,
        `user.${String(row % 99_999)}@example.com`,
        `20${pad(row % 26)}-${pad(1 + (row % 12))}-${pad(1 + (row % 28))}T12:${pad(row % 60)}:00Z`,
        String(row % 10_000),
        `${String(row % 1000)}.${pad(row % 100)}`,
        row % 2 === 0 ? 't' : 'f',
      ]),
  },
  {
    name: 'quoted',
    what: '6 columns, every field in quotes, some with commas, quotes and line ends inside',
    text: (rows) =>
      table('"id","name","city","note","total","url"', rows, (row) =>
        [
          String(row),
          `Doe, John ${String(row % 77)}`,
          cities[row % cities.length] ?? '',
          row % 5 === 0 ? `said ""no"" to\n${String(row)} offers` : 'nothing to say',
          `${String(row % 9)},${pad(row % 100)}`,
          `https://shop.example.com/items?id=${String(row)}&from=${String(row % 31)}`,
        ].map((value) => `"${value}"`),
      ),
  },
  {
    name: 'wide',
    what: '60 columns of short numbers',
    text: (rows) => {
      const names = Array.from({ length: 60 }, (_, column) => `c${String(column)}`);
      return table(names.join(), Math.ceil(rows / 3), (row) =>
        names.map((_, column) => String((row * 31 + column * 7) % 1000)),
      );
    },
  },
  {
    name: 'texts',
    what: '3 columns, one a text of 400 characters with letters outside ASCII',
    text: (rows) =>
      table('id,title,text', Math.ceil(rows / 4), (row) => [
        String(row),
        `Zoë über Köln ${String(row)}`,
        `Größe und Maß von Teil ${String(row)}; `.repeat(12),
      ]),
  },
];

function table(header: string, rows: number, record: (row: number) => readonly string[]): string {
  const lines = [header];
  for (let row = 0; row < rows; row += 1) lines.push(record(row).join());
  return `${lines.join('\n')}\n`;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
