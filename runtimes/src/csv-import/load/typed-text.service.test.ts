import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ColumnSpec } from '@millrace/crds/csv-import';
import { lacks } from '../../../test/backends.ts';
import { loadingServer, type LoadingServer } from '../../../test/loading.ts';
import { ChunkLoader } from './chunk-loader.ts';

const needed = lacks('postgres');

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

let tables = 0;

/** Loads columns of as many texts each, and returns what Postgres shows of them, in order. */
async function shown<Name extends string>(
  server: LoadingServer,
  columns: Readonly<Record<Name, Omit<ColumnSpec, 'name'>>>,
  texts: readonly Readonly<Record<Name, string>>[],
): Promise<readonly Readonly<Record<Name, string | null>>[]> {
  tables += 1;
  const table = `t_${tables}`;
  const names = Object.keys(columns) as Name[];
  const specs: ColumnSpec[] = [
    { name: 'n', type: 'integer' },
    ...names.map((name) => ({ ...columns[name], name: `the_${name}` })),
  ];
  const loader = new ChunkLoader(await server.plan({ table, columns: specs, key: ['n'] }));
  const lines = texts.map(
    (row, n) => `${[String(n), ...names.map((name) => quoted(row[name]))].join()}\n`,
  );
  const result = await server.load(loader, {
    chunk: 0,
    offset: 0,
    bytes: Buffer.from(lines.join('')),
  });
  expect(result.rejectReasons).toEqual({});
  const { rows } = await server.owner.query<Record<Name, string | null>>(
    `SELECT ${names.map((name) => `the_${name}::text AS "${name}"`).join()} FROM ${table} ORDER BY n`,
  );
  return rows;
}

/** The same of one column. */
async function shownOf(
  server: LoadingServer,
  column: Omit<ColumnSpec, 'name'>,
  texts: readonly string[],
): Promise<readonly (string | null)[]> {
  const rows = await shown(
    server,
    { it: column },
    texts.map((it) => ({ it })),
  );
  return rows.map(({ it }) => it);
}

/** What Postgres itself makes of the texts. */
async function castByServer(
  server: LoadingServer,
  type: string,
  texts: readonly string[],
): Promise<readonly (string | null)[]> {
  const { rows } = await server.owner.query<{ v: string | null }>(
    `SELECT v::${type}::text AS v FROM unnest($1::text[]) WITH ORDINALITY AS u(v, n) ORDER BY n`,
    [texts],
  );
  return rows.map(({ v }) => v);
}

const digits = (min: number, max: number) =>
  fc.string({ unit: fc.integer({ min: 0, max: 9 }).map(String), minLength: min, maxLength: max });
const sign = fc.constantFrom('', '-', '+');

const decimal = fc.oneof(
  fc
    .tuple(sign, digits(1, 40), fc.constantFrom('', '.'), digits(0, 1))
    .map((parts) => (parts[2] === '' ? `${parts[0]}${parts[1]}` : parts.join(''))),
  fc.tuple(sign, digits(0, 12), digits(1, 40)).map(([s, a, b]) => `${s}${a}.${b}`),
  fc
    .tuple(sign, digits(1, 9), digits(1, 9), fc.integer({ min: -60, max: 60 }))
    .map(([s, a, b, e]) => `${s}${a}.${b}e${e}`),
  fc.constantFrom(
    '0',
    '-0.000',
    '0.0001',
    '10000',
    '99999999',
    '0.00010000',
    '1e-16383',
    '1e5',
    '.5',
    '5.',
  ),
);

const text = fc.string({ unit: 'grapheme', maxLength: 60 }).map((t) => t.replaceAll('\0', ''));

const instant = fc
  .tuple(
    fc.date({
      min: new Date('0001-01-02T00:00:00Z'),
      max: new Date('9999-12-30T23:59:59Z'),
      noInvalidDate: true,
    }),
    digits(0, 6),
    fc.constantFrom('Z', '+00:00', '-11:30', '+14:00', '+0530'),
  )
  .map(([date, fraction, offset]) => {
    const clock = date.toISOString().slice(0, 19);
    return `${clock}${fraction === '' ? '' : `.${fraction}`}${offset}`;
  });

describe.skipIf(needed)('typed text in Postgres', () => {
  it('is what the server itself reads from the same text', async () => {
    await using server = await loadingServer();
    const row = fc.record({
      decimal,
      bigint: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
      integer: fc.integer().map(String),
      timestamp: instant,
      date: instant.map((it) => it.slice(0, 10)),
      uuid: fc.uuid(),
      json: fc.json({ maxDepth: 3 }),
      text,
    });
    const columns = {
      decimal: { type: 'decimal' },
      bigint: { type: 'bigint' },
      integer: { type: 'integer' },
      timestamp: { type: 'timestamp' },
      date: { type: 'date' },
      uuid: { type: 'uuid' },
      json: { type: 'json' },
      text: { type: 'text' },
    } as const;
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 300 }), async (rows) => {
        const cast = async (name: 'decimal' | 'timestamp', type: string) =>
          castByServer(
            server,
            type,
            rows.map((it) => it[name]),
          );
        const decimals = await cast('decimal', 'numeric');
        const timestamps = await cast('timestamp', 'timestamptz');

        expect(await shown(server, columns, rows)).toEqual(
          rows.map((it, at) => ({ ...it, decimal: decimals[at], timestamp: timestamps[at] })),
        );
      }),
      { numRuns: 6 },
    );
  });

  it('is exact at the ends of what Postgres stores', async () => {
    await using server = await loadingServer();
    const wide = `${'9'.repeat(131_072)}`;

    expect(await shownOf(server, { type: 'decimal' }, [wide])).toEqual([wide]);
    expect(
      await shownOf(server, { type: 'timestamp', format: 'EpochSeconds' }, ['9224318015999']),
    ).toEqual(['294276-12-31 23:59:59+00']);
    expect(
      await shownOf(server, { type: 'timestamp', format: 'EpochSeconds', allowNegative: true }, [
        '-210866803200',
      ]),
    ).toEqual(['4714-11-24 00:00:00+00 BC']);
    expect(await shownOf(server, { type: 'boolean' }, ['', 'yes'])).toEqual([null, 'true']);
    expect(await shownOf(server, { type: 'text', nullValues: ['-'] }, ['', '-'])).toEqual([
      '',
      null,
    ]);
  });
});
