import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import { chunksOf, loadingServer, type LoadingOptions } from '../../../test/loading.ts';
import { resolveDuplicates, type Duplicate } from '../../chunks/duplicates.ts';
import { ChunkLoader, type LoadedChunk } from './chunk-loader.ts';

const users: LoadingOptions = {
  table: 'users',
  columns: [
    { name: 'id', type: 'bigint' },
    { name: 'name', type: 'text' },
  ],
  key: ['id'],
  onConflict: 'Fail',
};

/**
 * Every record of the file that repeats a key, with the first record of that key. A record that the
 * table would refuse is only found out if its key has no earlier one in its chunk.
 */
function expectedDuplicates(lines: readonly string[], linesPerChunk: number, held: number[] = []) {
  const first = new Map<number, number | undefined>(held.map((id) => [id, undefined]));
  const found: Duplicate[] = [];
  let inChunk = new Set<number>();
  let offset = 100;
  for (const [at, line] of lines.entries()) {
    if (at % linesPerChunk === 0) inChunk = new Set();
    const id = Number(line.split(',')[0]);
    if (inChunk.has(id) || !line.endsWith('refused')) {
      if (first.has(id)) found.push({ lost: offset, kept: first.get(id) });
      else first.set(id, offset);
      inChunk.add(id);
    }
    offset += line.length + 1;
  }
  return found;
}

function duplicatesOf(results: readonly LoadedChunk[]): readonly Duplicate[] {
  return resolveDuplicates(results.flatMap(({ duplicates = [] }) => duplicates));
}

function superseded(results: readonly LoadedChunk[]): number {
  return results.reduce((total, result) => total + result.superseded, 0);
}

describe.skipIf(lacks('postgres'))('a target whose keys may not repeat', () => {
  it('tells the same first repetitions whatever the order of the chunks', async () => {
    await using server = await loadingServer();
    const plan = await server.plan(users);
    // A constraint of the table refuses some records that would have won their key.
    await server.owner.query("ALTER TABLE users ADD CHECK (name <> 'refused')");
    const line = fc
      .tuple(fc.integer({ min: 1, max: 12 }), fc.constantFrom('a', 'b', 'c', 'c', 'refused'))
      .map(([id, name]) => `${id},${name}`);
    const chunked = fc.record({
      lines: fc.array(line, { minLength: 1, maxLength: 24 }),
      linesPerChunk: fc.integer({ min: 1, max: 6 }),
      ranks: fc.array(fc.nat(99), { minLength: 24, maxLength: 24 }),
      mode: fc.constantFrom('direct' as const, 'merge' as const),
    });
    await fc.assert(
      fc.asyncProperty(chunked, async ({ lines, linesPerChunk, ranks, mode }) => {
        await server.owner.query(
          "TRUNCATE users, users_rejects; INSERT INTO users VALUES (3, 'before', 5)",
        );
        const loader = new ChunkLoader({ ...plan, mode, stepBytes: 16 });
        const chunks = chunksOf(lines, linesPerChunk).toSorted(
          (one, other) => (ranks[one.chunk] ?? 0) - (ranks[other.chunk] ?? 0),
        );
        const results: LoadedChunk[] = [];
        for (const chunk of chunks) {
          results.push(await server.load(loader, chunk));
        }

        const expected = expectedDuplicates(lines, linesPerChunk, [3]);

        expect(duplicatesOf(results)).toEqual(expected.slice(0, 3));
        expect(superseded(results)).toBe(expected.length);
      }),
      { numRuns: 6, endOnFailure: true },
    );
  });

  it('holds when transactions overlap, and keeps the first record of each key', async () => {
    await using server = await loadingServer();
    const plan = await server.plan(users);
    const lines = Array.from({ length: 4_000 }, (_, n) => `${(n * 7919) % 1000},v${n}`);
    const results: LoadedChunk[] = [];

    await Promise.all(
      [0, 1, 2].map(async (worker) => {
        const loader = new ChunkLoader({ ...plan, mode: worker === 1 ? 'merge' : 'direct' });
        for (const chunk of chunksOf(lines, 500)
          .filter((_, at) => at % 3 === worker)
          .toReversed())
          results.push(await server.load(loader, chunk));
      }),
    );

    const rows = await server.rows(
      'users',
      'count(*)::int AS keys, max(_millrace_pos & (1::bigint << 43) - 1) AS last',
    );
    expect(rows).toEqual([
      JSON.stringify({ keys: 1_000, last: 100 + `${lines.slice(0, 999).join('\n')}\n`.length }),
    ]);
    expect(superseded(results)).toBe(3_000);
    expect(duplicatesOf(results)).toEqual(expectedDuplicates(lines, 500).slice(0, 3));
  });
});
