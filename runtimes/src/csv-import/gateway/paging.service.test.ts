import fc from 'fast-check';
import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import { database } from '../../../test/database.ts';
import { asOwner, gatewayConfig, testGateway, type TestGateway } from '../../../test/gateway.ts';
import { pageStatement, rowStatement, type PageQuery } from './sql.ts';
import type { TableShape } from './table.ts';

/** Text of every page from the first to the last. */
async function walk(
  served: TestGateway,
  limit: number,
  options: { readonly table?: string; readonly betweenPages?: () => Promise<void> } = {},
): Promise<readonly string[]> {
  const rows: string[] = [];
  let cursor = '';
  for (;;) {
    const page = await served.get(`/${options.table ?? 'people'}?limit=${limit}${cursor}`);
    expect(page.status).toBe(200);
    // Numbers as text, since two keys beyond 2^53 may be one number to JSON.parse.
    const exact = page.text.replace(/("(?:number|id)":)(-?\d+)/g, '$1"$2"');
    const { data } = JSON.parse(exact) as { data: readonly object[] };
    rows.push(...data.map((row) => JSON.stringify(row)));
    if (page.next === null) return rows;
    cursor = `&cursor=${page.next}`;
    await options.betweenPages?.();
  }
}

/** Text that Postgres can hold: anything but NUL and lone surrogates. */
const text = fc
  .string({ unit: 'binary', maxLength: 12 })
  .filter((value) => !value.includes('\0') && value.isWellFormed());
const odd = fc.constantFrom(
  '',
  "'",
  '"',
  '%',
  '_',
  '\\',
  ',',
  '/',
  '../x',
  'a b',
  'é',
  'É',
  'e\u0301',
);
const keys = fc.uniqueArray(
  fc.tuple(fc.oneof(text, odd), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)),
  {
    maxLength: 40,
    selector: ([word, number]) => `${number}:${word}`,
  },
);

describe.skipIf(lacks('postgres'))('pages', () => {
  it('visit every row exactly once, whatever its key, and each row is found under its key', async () => {
    await using db = await database();
    await asOwner(
      db.ownerUrl,
      'CREATE TABLE people (word text, number bigint, PRIMARY KEY (word, number))',
    );
    const config = gatewayConfig({ target: { key: ['word', 'number'] } });
    await using served = await testGateway({ config, postgresUrl: db.appUrl });
    const client = new Client({ connectionString: db.ownerUrl });
    await client.connect();

    try {
      await fc.assert(
        fc.asyncProperty(keys, fc.integer({ min: 1, max: 12 }), async (rows, limit) => {
          await client.query('TRUNCATE people');
          await client.query('INSERT INTO people SELECT * FROM unnest($1::text[], $2::bigint[])', [
            rows.map(([word]) => word),
            rows.map(([, number]) => String(number)),
          ]);

          const seen = await walk(served, limit);

          expect(seen).toHaveLength(rows.length);
          expect(new Set(seen).size).toBe(rows.length);
          const [first] = rows;
          if (first === undefined) return;
          const [word, number] = first;
          const path = `/people/${encodeURIComponent(word)},${number}`;
          const row = await served.get(path);
          expect(row.status).toBe(200);
          expect(row.text).toContain(`"number":${number}}`);
        }),
        { numRuns: 40 },
      );
    } finally {
      await client.end();
    }
  });

  it('never repeat a row and skip none that was there before, while others are inserted', async () => {
    await using db = await database();
    await asOwner(
      db.ownerUrl,
      'CREATE TABLE people (id int PRIMARY KEY)',
      'INSERT INTO people SELECT i * 10 FROM generate_series(1, 200) i',
    );
    await using served = await testGateway({ config: gatewayConfig(), postgresUrl: db.appUrl });
    const client = new Client({ connectionString: db.ownerUrl });
    await client.connect();
    let inserted = 0;

    const betweenPages = async (): Promise<void> => {
      inserted += 1;
      const [ahead, behind] = [inserted * 3000, inserted * 70 + 1];
      await client.query('INSERT INTO people VALUES ($1), ($2)', [ahead, behind]);
    };
    const seen = await walk(served, 7, { betweenPages });
    await client.end();

    expect(inserted).toBeGreaterThan(20);
    expect(new Set(seen).size).toBe(seen.length);
    for (let id = 10; id <= 2000; id += 10) expect(seen).toContain(`{"id":"${id}"}`);
  });

  it('visit every row of a keyless table once, also rows older than its positions', async () => {
    await using db = await database();
    await asOwner(
      db.ownerUrl,
      'CREATE TABLE people (id int)',
      'INSERT INTO people SELECT i FROM generate_series(1, 30) i',
      'CREATE TABLE adopted AS SELECT id FROM people',
      'ALTER TABLE adopted ADD COLUMN _millrace_pos bigint NOT NULL DEFAULT 0',
      'INSERT INTO adopted SELECT 100 + i, 1000 - i FROM generate_series(1, 10) i',
    );
    const keyless = gatewayConfig({ target: { key: [] } });
    await using plain = await testGateway({ config: keyless, postgresUrl: db.appUrl });
    const adopted = { ...keyless, target: { ...keyless.target, table: 'adopted' } };
    await using served = await testGateway({ config: adopted, postgresUrl: db.appUrl });

    expect(new Set(await walk(plain, 7)).size).toBe(30);
    const seen = await walk(served, 7, { table: 'adopted' });
    expect(new Set(seen).size).toBe(40);
    expect(seen.at(-1)).toBe('{"id":"101"}');
  });

  it('of an adopted table leave out rows whose key is NULL, and go on', async () => {
    await using db = await database();
    await asOwner(
      db.ownerUrl,
      'CREATE TABLE people (id int UNIQUE)',
      'INSERT INTO people VALUES (1), (NULL), (2), (NULL), (3)',
    );
    await using served = await testGateway({ config: gatewayConfig(), postgresUrl: db.appUrl });

    expect(await walk(served, 2)).toEqual(['{"id":"1"}', '{"id":"2"}', '{"id":"3"}']);
  });

  it('fit a URL when keys are as long as an index can hold', async () => {
    await using db = await database();
    await asOwner(
      db.ownerUrl,
      'CREATE TABLE people (word text PRIMARY KEY)',
      `INSERT INTO people SELECT repeat(md5('x'), 600) || i FROM generate_series(1, 5) i`,
      `INSERT INTO people SELECT string_agg(md5(i::text), '') FROM generate_series(1, 78) i`,
    );
    const config = gatewayConfig({ target: { key: ['word'] } });
    await using served = await testGateway({ config, postgresUrl: db.appUrl });

    expect(new Set(await walk(served, 1)).size).toBe(6);
  });
});

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows'?: number;
  readonly Plans?: readonly PlanNode[];
}

function nodes(plan: PlanNode): readonly PlanNode[] {
  return [plan, ...(plan.Plans ?? []).flatMap((child) => nodes(child))];
}

describe.skipIf(lacks('postgres'))('the plans of the gateway’s statements', () => {
  const shape: TableShape = {
    columns: [
      { name: 'id', type: 'bigint' },
      { name: 'first_name', type: 'text' },
    ],
    key: [{ name: 'id', type: 'bigint' }],
    order: [{ name: 'id', type: 'bigint' }],
    nullable: [],
    hasPosition: true,
    sealed: [],
  };

  it('use the indexes, without a sort or scan of the table, wherever the page begins', async () => {
    await using db = await database();
    await asOwner(
      db.ownerUrl,
      `CREATE TABLE people (id bigint PRIMARY KEY, first_name text, _millrace_pos bigint)`,
      `INSERT INTO people SELECT i, CASE WHEN i % 10 = 0 THEN 'Common' ELSE md5(i::text) END, i
         FROM generate_series(1, 50000) i`,
      `CREATE INDEX by_first_name ON people (lower(left(first_name, 64)) text_pattern_ops)`,
      'ANALYZE people',
    );
    const client = new Client({ connectionString: db.ownerUrl });
    await client.connect();
    const plan = async (statement: { text: string; values: readonly unknown[] }) => {
      const { rows } = await client.query<{ 'QUERY PLAN': readonly { Plan: PlanNode }[] }>(
        `EXPLAIN (ANALYZE, FORMAT JSON) ${statement.text}`,
        [...statement.values],
      );
      const [root] = rows[0]?.['QUERY PLAN'] ?? [];
      return root === undefined ? [] : nodes(root.Plan);
    };
    const page = (query: Partial<PageQuery>) =>
      plan(pageStatement('people', shape, { limit: 50, filters: [], after: undefined, ...query }));
    const scans = (found: readonly PlanNode[]) =>
      found.flatMap(
        (node) => node['Index Name'] ?? (node['Node Type'] === 'Seq Scan' ? ['table'] : []),
      );

    try {
      const deep = await page({ after: ['40000'] });
      const selective = await page({ filters: [['first_name', 'ABC1']] });
      const common = await page({ filters: [['first_name', 'com']], after: ['40000'] });
      const row = await plan(rowStatement('people', shape, ['123']));

      expect(scans(deep)).toEqual(['people_pkey']);
      expect(scans(row)).toEqual(['people_pkey']);
      expect(scans(selective)).toEqual(['by_first_name']);
      expect(scans(common)).not.toContain('table');
      // Rows read stay near the page's size: fifty-one, or ten times that through the common filter.
      for (const found of [deep, common]) {
        expect(Math.max(...found.map((node) => node['Actual Rows'] ?? 0))).toBeLessThan(1_000);
      }
    } finally {
      await client.end();
    }
  });
});
