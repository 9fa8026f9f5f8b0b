import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import { chunksOf, loadingServer, type LoadingOptions } from '../../../test/loading.ts';
import { ChunkLoader } from './chunk-loader.ts';
import { buildIndexes, filterIndexName } from './target-indexes.ts';

const needed = lacks('postgres');

const items: LoadingOptions = {
  table: 'items',
  columns: [
    { name: 'id', type: 'bigint' },
    { name: 'name', type: 'text' },
    { name: 'price', type: 'decimal' },
  ],
  key: ['id'],
};

describe.skipIf(needed)('the target', () => {
  it('is created with the types of the columns, its key and the position, and only once', async () => {
    await using server = await loadingServer();

    await server.plan(items);
    const again = await server.plan(items);

    const { rows } = await server.owner.query(
      `SELECT column_name || ' ' || data_type AS it FROM information_schema.columns WHERE table_name = 'items' ORDER BY ordinal_position`,
    );
    expect(rows.map((row) => row['it'])).toEqual([
      'id bigint',
      'name text',
      'price numeric',
      '_millrace_pos bigint',
    ]);
    expect(again.target).toMatchObject({ hasPosition: true, isKeyExact: true });
  });

  it('lets the working role load and stage, but not alter or drop', async () => {
    await using server = await loadingServer();
    await server.plan(items);

    const { rows } = await server.owner.query(
      `SELECT string_agg(privilege_type, ' ' ORDER BY privilege_type) AS all FROM information_schema.role_table_grants
        WHERE table_name = 'items' AND grantee <> grantor`,
    );

    expect(rows).toEqual([{ all: 'INSERT SELECT UPDATE' }]);
    await expect(server.worker.query('DROP TABLE items')).rejects.toThrow();
  });

  it('is refused with the remedy when Millrace did not create it', async () => {
    await using server = await loadingServer();
    await server.owner.query(
      'CREATE TABLE items (id bigint PRIMARY KEY, name text, price numeric)',
    );

    await expect(server.plan(items)).rejects.toMatchObject({
      code: 'TargetNotAdopted',
      message: expect.stringContaining('target.adopt'),
    });
  });

  it('is adopted when asked; its rows count as older than any import', async () => {
    await using server = await loadingServer();
    await server.owner.query(
      'CREATE TABLE items (id bigint PRIMARY KEY, name text, price numeric(9,2))',
    );
    await server.owner.query(`INSERT INTO items VALUES (1, 'theirs', 1), (2, 'theirs', 2)`);

    const loader = new ChunkLoader(await server.plan({ ...items, adopt: true }));
    const result = await server.load(
      loader,
      chunksOf(['2,ours,2.50', '3,ours,1.005'], 2)[0] as never,
    );

    expect(result).toMatchObject({ superseded: 0, rejectReasons: { TooPrecise: 1 } });
    expect(await server.rows('items', 'id, name, price')).toEqual([
      '{"id":1,"name":"theirs","price":1.00}',
      '{"id":2,"name":"ours","price":2.50}',
    ]);
  });

  it.each([
    [
      'id integer PRIMARY KEY, name text, price numeric',
      /column id of type integer, and columns.id.type is bigint/,
    ],
    ['id bigint PRIMARY KEY, price numeric', /no column name: add it as text/],
    ['id bigint, name text, price numeric', /no primary key or unique index on exactly \(id\)/],
    [
      'id bigint, name text, price numeric, PRIMARY KEY (id, name)',
      /no primary key or unique index/,
    ],
    [
      'id bigint PRIMARY KEY, name text, price numeric, must text NOT NULL',
      /column must, which is NOT NULL/,
    ],
    [
      'id bigint PRIMARY KEY, name text, price numeric, _millrace_pos text',
      /_millrace_pos of type text/,
    ],
    [
      'id bigint PRIMARY KEY, name text, price numeric GENERATED ALWAYS AS (id * 2) STORED',
      /computes the column price itself/,
    ],
  ])('is refused when it is (%s)', async (definition, message) => {
    await using server = await loadingServer();
    await server.owner.query(`CREATE TABLE items (${definition})`);

    await expect(server.plan({ ...items, adopt: true })).rejects.toMatchObject({
      code: 'TargetMismatch',
      message: expect.stringMatching(message),
    });
  });

  it('is refused when it is a view', async () => {
    await using server = await loadingServer();
    await server.owner.query('CREATE VIEW items AS SELECT 1 AS id');

    await expect(server.plan(items)).rejects.toMatchObject({ code: 'TargetMismatch' });
  });

  it('may compare its key by another collation', async () => {
    await using server = await loadingServer();
    await server.owner.query('CREATE TABLE items (id text COLLATE "C" PRIMARY KEY, name text)');
    const columns = [
      { name: 'id', type: 'text' },
      { name: 'name', type: 'text' },
    ] as const;
    const loader = new ChunkLoader(await server.plan({ ...items, columns, adopt: true }));
    const lines = Array.from({ length: 900 }, (_, n) => `k${n % 600},v${n}`);

    for (const chunk of chunksOf(lines, 800)) await server.load(loader, chunk);

    const rows = await server.rows('items', 'id, name');
    expect(rows).toHaveLength(600);
    expect(rows).toContain('{"id":"k0","name":"v600"}');
  });

  it('gets filter indexes, and an invalid one is built again', async () => {
    await using server = await loadingServer();
    await server.plan(items);
    const name = filterIndexName('items', 'name');
    await server.owner.query(`INSERT INTO items (id, name) VALUES (1, 'a'), (2, 'a')`);
    // A unique build that fails leaves what an interrupted one leaves: an invalid index.
    await server.owner
      .query(`CREATE UNIQUE INDEX CONCURRENTLY ${name} ON items (name)`)
      .catch(() => undefined);

    await buildIndexes(server.owner, 'items', {
      filters: ['name'],
      searchable: [],
      positions: true,
    });
    await buildIndexes(server.owner, 'items', {
      filters: ['name'],
      searchable: [],
      positions: true,
    });

    const { rows } = await server.owner.query(
      'SELECT indisvalid AS valid, pg_get_indexdef(indexrelid) AS definition FROM pg_index WHERE indexrelid = $1::regclass',
      [name],
    );
    expect(rows[0]).toMatchObject({
      valid: true,
      definition: expect.stringContaining('text_pattern_ops'),
    });
  });
});
