/** The two sides of the account of a load: what its clients were told, and what the table says. */
import { expect } from 'vitest';
import type { Load } from './load.ts';
import type { Rows } from './suite.ts';
import { waitUntil } from './waiting.ts';

export interface Account {
  readonly db: Rows;
  readonly table: string;
  /** It has ended, and every request was answered. */
  readonly load: Load;
  /** What the table held when the load began. */
  readonly before?: ReadonlyMap<string, bigint>;
}

/** Staleness is promised to stay below ten seconds; a host that does much else gets thrice that. */
const committedMs = 30_000;

export async function expectExactSums({ db, table, load, before }: Account): Promise<void> {
  const wanted = new Map<string, bigint>();
  for (const { key, accepted } of load.tally.byKey()) {
    const sum = accepted + (before?.get(key) ?? 0n);
    if (sum > 0n) wanted.set(key, sum);
  }
  const total = [...wanted.values()].reduce((sum, value) => sum + value, 0n);
  let sums = new Map<string, bigint>();
  await waitUntil('all that was accepted to be in the table', committedMs, async () => {
    const found = await db.query<{ key: string; value: string }>(
      `SELECT key, value FROM "${table}" WHERE key = ANY($1)`,
      [[...wanted.keys()]],
    );
    sums = new Map(found.map(({ key, value }) => [key, BigInt(value)]));
    const stored = [...sums.values()].reduce((sum, value) => sum + value, 0n);
    return [stored >= total, `${String(stored)} of ${String(total)} stored`];
  });
  expect(sums).toEqual(wanted);
}
