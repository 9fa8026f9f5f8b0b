/**
 * Tables as people export them, written in every dialect the sniffer must recognise. Everything
 * comes from one seed, so a failing table can be made again from its number.
 */

import type { Dialect } from '../dialect.ts';
import { standardDialect } from '../dialect.ts';
import { encodeWindows1252 } from '../windows-1252.ts';

export interface Case {
  readonly bytes: Buffer;
  /** Header first, if the file has one. */
  readonly rows: readonly (readonly string[])[];
  readonly dialect: Dialect;
  readonly style: string;
}

/** A small generator with full period (mulberry32): tests need no better one. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  chance(share: number): boolean {
    return this.next() < share;
  }
}

const words =
  'large small steel garden table lamp red with without two chairs, fits most rooms; see note order new old the and or for kitchen "deluxe" Bob\'s don\'t 5" pipe and/or max. 10% off (boxed) approx. item: no. 3 a'.split(
    ' ',
  );
const names = ['Ann', 'Bob', "O'Neil", 'Zoë', 'Müller', 'García', 'Lee', 'Smith', 'Jean-Luc', 'Li'];
const cities = ['Berlin', 'New York', 'São Paulo', 'Washington, D.C.', 'Köln', 'Paris', 'Reading'];

type Maker = (random: Random, row: number) => string;

const pad = (value: number): string => String(value).padStart(2, '0');

function sentence(random: Random): string {
  return Array.from({ length: 2 + random.below(9) }, () => random.pick(words)).join(' ');
}

const makers: readonly (readonly [string, Maker])[] = [
  ['id', (_, row) => String(row + 1)],
  ['qty', (random) => String(random.below(90))],
  ['Price', (random) => (random.next() * 100).toFixed(2)],
  ['Preis', (random) => (random.next() * 100).toFixed(2).replace('.', ',')],
  [
    'Amount (EUR)',
    (random) => `${random.below(9) + 1},${100 + random.below(900)}.${pad(random.below(100))}`,
  ],
  [
    'DATE',
    (random) =>
      `${1 + random.below(12)}/${1 + random.below(28)}/2${pad(random.below(30))}`.slice(0, 8),
  ],
  ['created_at', (random) => `2024-${pad(1 + random.below(12))}-${pad(1 + random.below(28))}`],
  ['TIME', (random) => `${random.below(24)}:${pad(random.below(60))}`],
  [
    'updated',
    (random) =>
      `2023-0${1 + random.below(9)}-11T${pad(random.below(24))}:15:${pad(random.below(60))}Z`,
  ],
  ['name', (random) => random.pick(names)],
  ['full name', (random) => `${random.pick(names)} ${random.pick(names)}`],
  ['sorted name', (random) => `${random.pick(names)}, ${random.pick(names)}`],
  ['city', (random) => random.pick(cities)],
  ['ProductDescription', (random) => sentence(random)],
  ['Comments', (random) => (random.chance(0.5) ? '' : sentence(random))],
  [
    'notes',
    (random) =>
      random.chance(0.8) ? sentence(random) : `${sentence(random)}\n${sentence(random)}`,
  ],
  [
    'email',
    (random) =>
      `${random
        .pick(names)
        .toLowerCase()
        .replace(/[^a-z]/g, '')}@example.com`,
  ],
  [
    'URL',
    (random) =>
      `http://shop.example.com/p?id=${random.below(999)}&x=a;b,c|d`.slice(0, 30 + random.below(25)),
  ],
  ['active', (random) => random.pick(['true', 'false'])],
  ['PRODUCTID', (random) => `${random.pick(['A', 'B', 'XK'])}-${1000 + random.below(9000)}`],
  ['sku', (random) => `00${random.below(9999)}`],
  ['share', (random) => `${random.below(100)}%`],
  ['tags', (random) => `${random.pick(names)}|${random.pick(names)}`],
  ['payload', (random) => `{"a": ${random.below(9)}, "b": "x;y"}`],
  ['path', (random) => `C:\\data\\${random.pick(['in', 'out', 'tmp'])}\\f${random.below(99)}.txt`],
  ['empty', () => ''],
  ['lat', (random) => (random.next() * 180 - 90).toFixed(5)],
];

export const delimiters = [',', ';', '\t', '|'] as const;

export function tableCase(seed: number): Case {
  const random = new Random(seed * 7919 + 13);
  const width = random.chance(0.1) ? 1 : 2 + random.below(10);
  const columns = Array.from({ length: width }, () => random.pick(makers));
  const height = random.chance(0.25) ? 1 + random.below(4) : 4 + random.below(60);
  const hasHeader = random.chance(0.85);
  const body = Array.from({ length: height }, (_, row) =>
    columns.map(([, make]) => make(random, row)),
  );
  const names = columns.map(([name], index) =>
    columns.findIndex(([other]) => other === name) === index ? name : `${name}_${index}`,
  );
  const rows = hasHeader ? [names, ...body] : body;
  const delimiter = random.pick(delimiters);
  const quote = random.chance(0.85) ? '"' : "'";
  const style = random.pick(['minimal', 'minimal', 'minimal', 'all', 'text'] as const);
  const escape = random.chance(0.85) ? 'Doubled' : 'Backslash';
  const lineEnd = random.pick(['\n', '\r\n', '\r\n', '\r']);
  const encoding = random.chance(0.8) ? 'UTF-8' : 'Windows-1252';
  const hasMark = encoding === 'UTF-8' && random.chance(0.2);
  const ending = random.pick(['', lineEnd, lineEnd, lineEnd + lineEnd]);
  const write = (value: string, row: number): string => {
    const special = [delimiter, quote, '\n', '\r', ...(escape === 'Backslash' ? ['\\'] : [])];
    const must = special.some((part) => value.includes(part)) || (width === 1 && value === '');
    const isText = !/^[-\d.,/:]*$/.test(value) && !(hasHeader && row === 0 && random.chance(0));
    if (!must && style !== 'all' && !(style === 'text' && isText)) return value;
    const body =
      escape === 'Doubled'
        ? value.replaceAll(quote, quote + quote)
        : value.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`);
    return quote + body + quote;
  };
  const text =
    rows
      .map((row, index) => row.map((value) => write(value, index)).join(delimiter))
      .join(lineEnd) + ending;
  const bytes =
    encoding === 'UTF-8'
      ? Buffer.from((hasMark ? '\ufeff' : '') + text)
      : (encodeWindows1252(text) ?? Buffer.from(text));
  const dialect: Dialect = {
    ...standardDialect,
    delimiter: delimiter.charCodeAt(0),
    quote: quote.charCodeAt(0),
    escape,
    encoding,
    header: hasHeader,
    bomBytes: hasMark ? 3 : 0,
  };
  return { bytes, rows, dialect, style: `${style} ${width}x${height}` };
}
