import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import { chunksOf, importUid, loadingServer, type LoadingOptions } from '../../../test/loading.ts';
import { ChunkLoader, type LoadedChunk } from './chunk-loader.ts';
import type { OnConflict } from './merge.ts';

const needed = lacks('postgres');

const users: LoadingOptions = {
  table: 'users',
  columns: [
    { name: 'id', type: 'bigint' },
    { name: 'name', type: 'text' },
  ],
  key: ['id'],
};

/** Two or three lines, so that small chunks are streamed too. */
const stepBytes = 16;

function sum(results: readonly LoadedChunk[], field: 'read' | 'rejected' | 'superseded'): number {
  return results.reduce((total, result) => total + result[field], 0);
}

/** What the table must hold: per key the last or the first accepted line. */
function expectedRows(lines: readonly string[], onConflict: OnConflict): readonly string[] {
  const rows = new Map<string, string>();
  for (const line of lines) {
    const [id = '', name = ''] = line.split(',');
    if (!/^\d+$/.test(id)) continue;
    if (onConflict === 'LatestWins' || !rows.has(id)) rows.set(id, name);
  }
  return [...rows].map(([id, name]) => JSON.stringify({ id: Number(id), name })).toSorted();
}

describe.skipIf(needed)('chunks in any order, repeated keys, any number of workers', () => {
  it.each(['LatestWins', 'FirstWins'] as const)(
    'give the same table and totals that add up: %s',
    async (onConflict) => {
      await using server = await loadingServer();
      let run = 0;
      const line = fc
        .tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 0, max: 9 }))
        .map(([id, n]) => `${id},n${n}`);
      const bad = fc.constantFrom('x,bad', 'ragged', ',nokey');
      const file = fc.array(
        fc.oneof({ weight: 9, arbitrary: line }, { weight: 1, arbitrary: bad }),
        { minLength: 1, maxLength: 60 },
      );
      await fc.assert(
        fc.asyncProperty(
          file,
          fc.integer({ min: 1, max: 9 }),
          fc.array(fc.tuple(fc.nat(1000), fc.boolean()), { minLength: 60, maxLength: 60 }),
          async (lines, linesPerChunk, choices) => {
            run += 1;
            const table = `users_${run}`;
            const plan = await server.plan({ ...users, table, onConflict });
            // Some chunks go directly, others are merged, by workers that know nothing of each other.
            const workers = [
              new ChunkLoader({ ...plan, stepBytes }),
              new ChunkLoader({ ...plan, mode: 'merge' }),
            ];
            const chunks = chunksOf(lines, linesPerChunk)
              .map((chunk, at) => ({
                chunk,
                rank: choices[at]?.[0] ?? 0,
                worker: choices[at]?.[1] ? 1 : 0,
              }))
              .toSorted((left, right) => left.rank - right.rank);
            const results: LoadedChunk[] = [];
            for (const { chunk, worker } of chunks) {
              results.push(await server.load(workers[worker] as ChunkLoader, chunk));
            }

            const rows = await server.rows(table, 'id, name');

            expect(rows).toEqual(expectedRows(lines, onConflict));
            expect(sum(results, 'read')).toBe(lines.length);
            expect(sum(results, 'read')).toBe(
              rows.length + sum(results, 'superseded') + sum(results, 'rejected'),
            );
          },
        ),
        { numRuns: 15 },
      );
    },
  );

  it.each(['LatestWins', 'FirstWins'] as const)(
    'hold when transactions overlap: %s',
    async (onConflict) => {
      await using server = await loadingServer();
      const plan = await server.plan({ ...users, onConflict });
      const lines = Array.from({ length: 12_000 }, (_, n) => `${(n * 7919) % 3000},v${n}`);
      const chunks = chunksOf(lines, 1500);
      const results: LoadedChunk[] = [];

      await Promise.all(
        [0, 1, 2].map(async (worker) => {
          const loader = new ChunkLoader({
            ...plan,
            stepBytes,
            mode: worker === 1 ? 'merge' : 'direct',
          });
          for (const chunk of chunks.filter((_, at) => at % 3 === worker).toReversed()) {
            results.push(await server.load(loader, chunk));
          }
        }),
      );

      const rows = await server.rows('users', 'id, name');
      expect(rows).toEqual(expectedRows(lines, onConflict));
      expect(12_000).toBe(rows.length + sum(results, 'superseded'));
    },
  );

  it('keep the last row of a chunk that is shorter than the one before', async () => {
    await using server = await loadingServer();
    const loader = new ChunkLoader(await server.plan(users));
    const lines = ['2,a', '1,b', '2,c', '1,d', '6,e', '6,f', '8,g', '7,h', '7,i'];

    const results: LoadedChunk[] = [];
    for (const chunk of chunksOf(lines, 6)) results.push(await server.load(loader, chunk));

    expect(await server.rows('users', 'id, name')).toEqual(expectedRows(lines, 'LatestWins'));
    expect(sum(results, 'superseded')).toBe(4);
  });

  it('takes every path: direct, then merge once keys meet, and no longer tries after three', async () => {
    await using server = await loadingServer();
    const loader = new ChunkLoader(await server.plan(users));
    const lines = Array.from({ length: 3000 }, (_, n) => `${n},a`);
    const again = Array.from({ length: 4 }, (_, n) => `${n * 600},b`);

    const first = await server.load(loader, chunksOf(lines.slice(0, 2400), 2400)[0] as never);
    const mixed = {
      chunk: 1,
      offset: 1e6,
      bytes: Buffer.from([...lines.slice(2400), ...again].join('\n')),
    };
    const second = await server.load(loader, mixed);

    expect([first.path, second.path]).toEqual(['direct', 'merge']);
    expect(second.superseded).toBe(4);
    expect(await server.rows('users', 'id, name')).toEqual(
      expectedRows([...lines, ...again], 'LatestWins'),
    );
  });
});

describe.skipIf(needed)('a table that holds rows already', () => {
  it('changes no value when the same file is imported again, and counts every key as loaded', async () => {
    await using server = await loadingServer();
    const chunks = chunksOf(
      Array.from({ length: 900 }, (_, n) => `${n % 300},v${n}`),
      200,
    );
    const first = new ChunkLoader(await server.plan(users));
    for (const chunk of chunks) await server.load(first, chunk);
    const before = await server.rows('users', 'id, name');

    const second = new ChunkLoader(
      await server.plan({ ...users, sequence: 2, uid: importUid.replace('0f', '1f') }),
    );
    const results = [];
    for (const chunk of chunks.toReversed()) results.push(await server.load(second, chunk));

    expect(await server.rows('users', 'id, name')).toEqual(before);
    expect(sum(results, 'superseded')).toBe(600);
    const { rows } = await server.owner.query<{ loaded: number }>(
      'SELECT count(*)::int AS loaded FROM users WHERE _millrace_pos >= 2::bigint << 43',
    );
    expect(rows[0]?.loaded).toBe(300);
  });

  it('never overwrites an earlier import under FirstWins; such records are superseded', async () => {
    await using server = await loadingServer();
    const first = new ChunkLoader(await server.plan(users));
    await server.load(first, chunksOf(['1,old', '2,old'], 2)[0] as never);

    const second = new ChunkLoader(
      await server.plan({ ...users, onConflict: 'FirstWins', sequence: 2 }),
    );
    const result = await server.load(
      second,
      chunksOf(['1,new', '3,new', '3,newer'], 3)[0] as never,
    );

    expect(await server.rows('users', 'id, name')).toEqual(
      expectedRows(['1,old', '2,old', '3,new'], 'FirstWins'),
    );
    expect(result).toMatchObject({ read: 3, superseded: 2 });
  });

  it('splits large chunks into new and held keys, exactly', async () => {
    await using server = await loadingServer();
    const first = new ChunkLoader(await server.plan(users));
    const held = Array.from({ length: 300 }, (_, n) => `${n * 10},old`);
    await server.load(first, chunksOf(held, 300)[0] as never);

    const second = new ChunkLoader(await server.plan({ ...users, sequence: 2 }));
    const lines = Array.from({ length: 3000 }, (_, n) => `${n},v${n}`);
    const result = await server.load(second, chunksOf(lines, 3000)[0] as never);

    expect(result).toMatchObject({ read: 3000, superseded: 0, rejected: 0, path: 'merge' });
    expect(await server.rows('users', 'id, name')).toEqual(expectedRows(lines, 'LatestWins'));
  });
});

describe.skipIf(needed)('records that are no rows', () => {
  it('are kept byte for byte with place, column and reason, and the rest loads', async () => {
    await using server = await loadingServer();
    const loader = new ChunkLoader(await server.plan(users));
    const bytes = Buffer.concat([
      Buffer.from('1,good\n'),
      Buffer.from('2,nul\0byte\n'),
      Buffer.from([0x33, 0x2c, 0xff, 0xfe, 0x0a]),
      Buffer.from('x,4\n5\n,6\n9223372036854775808,7\n8,"open\n9,fine\n'),
    ]);

    const result = await server.load(loader, {
      chunk: 4,
      offset: 1000,
      bytes,
      firstLine: 11,
    } as never);

    expect(await server.rows('users', 'id, name')).toEqual([
      '{"id":1,"name":"good"}',
      '{"id":9,"name":"fine"}',
    ]);
    expect(result).toMatchObject({ read: 9, rejected: 7, superseded: 0 });
    const { rows } = await server.owner.query(
      `SELECT chunk, record_offset::int AS at, line::int AS line, encode(raw, 'hex') AS raw, column_name, reason
        FROM users_rejects ORDER BY record_offset`,
    );
    expect(rows.map((row) => [row['line'], row['column_name'], row['reason']])).toEqual([
      [12, 'name', 'NulByte'],
      [13, 'name', 'InvalidEncoding'],
      [14, 'id', 'NotAnInteger'],
      [15, null, 'Ragged'],
      [16, 'id', 'NullKey'],
      [17, 'id', 'OutOfRange'],
      [18, null, 'UnclosedQuote'],
    ]);
    expect(rows[0]).toMatchObject({
      chunk: 4,
      at: 1007,
      raw: Buffer.from('2,nul\0byte').toString('hex'),
    });
  });

  it('include a header that is repeated', async () => {
    await using server = await loadingServer();
    const plan = await server.plan({
      ...users,
      columns: users.columns.map((column) => ({ ...column, type: 'text' as const })),
    });
    const loader = new ChunkLoader({
      ...plan,
      mapping: { ...plan.mapping, header: ['id', 'name'] },
    });

    const result = await server.load(
      loader,
      chunksOf(['1,a', 'id,name', 'id,names'], 3)[0] as never,
    );

    expect(result.rejectReasons).toEqual({ RepeatedHeader: 1 });
    expect(await server.rows('users', 'id')).toEqual(['{"id":"1"}', '{"id":"id"}']);
  });

  it('are stored with at most 64 KiB of a long record', async () => {
    await using server = await loadingServer();
    const loader = new ChunkLoader(await server.plan(users));

    await server.load(loader, chunksOf([`x,${'y'.repeat(100_000)}`], 1)[0] as never);

    const { rows } = await server.owner.query(
      'SELECT length(raw) AS length, raw_truncated AS cut FROM users_rejects',
    );
    expect(rows).toEqual([{ length: 65_536, cut: true }]);
  });

  it('are found by bisection when the key does not fit an index', async () => {
    await using server = await loadingServer();
    const loader = new ChunkLoader(
      await server.plan({
        ...users,
        columns: [
          { name: 'id', type: 'text' },
          { name: 'name', type: 'text' },
        ],
      }),
    );
    // Incompressible, or the index would take it.
    const long = Array.from({ length: 500 }, (_, n) =>
      ((n * 2_654_435_761) % 2 ** 32).toString(36),
    ).join('');
    const lines = Array.from({ length: 200 }, (_, n) => `k${n},v`).with(77, `${long},v`);

    const result = await server.load(loader, chunksOf(lines, 200)[0] as never);

    expect(result).toMatchObject({ read: 200, rejected: 1, superseded: 0, path: 'bisect' });
    expect(result.rejectReasons).toEqual({ KeyTooLarge: 1 });
    expect(await server.rows('users')).toHaveLength(199);
  });
});

describe.skipIf(needed)('an adopted table with constraints of its own', () => {
  const parents: LoadingOptions = { ...users, table: 'orders', adopt: true };

  async function adopted(constraint: string) {
    const server = await loadingServer();
    await server.owner.query(
      'CREATE TABLE parents (id bigint PRIMARY KEY); INSERT INTO parents VALUES (1), (2), (3)',
    );
    await server.owner.query(
      `CREATE TABLE orders (id bigint PRIMARY KEY, name text, ${constraint})`,
    );
    return server;
  }

  it('rejects the records that a CHECK refuses and loads the record next in line for their key', async () => {
    await using server = await adopted(`CONSTRAINT short CHECK (length(name) < 5)`);
    const loader = new ChunkLoader(await server.plan(parents));
    const lines = ['1,a', '1,too long', '2,b', '3,too long', '1,longer still', '4,d'];

    const result = await server.load(loader, chunksOf(lines, 6)[0] as never);

    expect(await server.rows('orders', 'id, name')).toEqual(
      expectedRows(['1,a', '2,b', '4,d'], 'LatestWins'),
    );
    expect(result).toMatchObject({ read: 6, rejected: 3, superseded: 0, path: 'bisect' });
    const { rows } = await server.owner.query('SELECT DISTINCT reason, detail FROM orders_rejects');
    expect(rows).toEqual([{ reason: 'Constraint', detail: 'short' }]);
  });

  it('finds what a deferred foreign key refuses before the commit', async () => {
    await using server = await adopted(
      'FOREIGN KEY (id) REFERENCES parents DEFERRABLE INITIALLY DEFERRED',
    );
    const loader = new ChunkLoader(await server.plan(parents));

    const result = await server.load(loader, chunksOf(['1,a', '9,b', '3,c'], 3)[0] as never);

    expect(await server.rows('orders', 'id')).toEqual(['{"id":1}', '{"id":3}']);
    expect(result.rejectReasons).toEqual({ Constraint: 1 });
  });

  it('bisects a keyless table too, without adopting it', async () => {
    await using server = await adopted('CHECK (id > 0)');
    await server.owner.query(
      'ALTER TABLE orders DROP CONSTRAINT orders_pkey, ALTER COLUMN id DROP NOT NULL',
    );
    const loader = new ChunkLoader(await server.plan({ ...parents, key: [], adopt: false }));

    const result = await server.load(loader, chunksOf(['1,a', '-1,b', '1,a', ',c'], 4)[0] as never);

    expect(await server.rows('orders', 'id, name')).toEqual([
      '{"id":1,"name":"a"}',
      '{"id":1,"name":"a"}',
      '{"id":null,"name":"c"}',
    ]);
    expect(result).toMatchObject({ read: 4, rejected: 1, superseded: 0 });
  });
});
