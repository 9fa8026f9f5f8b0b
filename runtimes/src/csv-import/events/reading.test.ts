import { describe, expect, it } from 'vitest';
import type { Sql } from '../../connectors/postgres/database.ts';
import type { Statement } from '../gateway/sql.ts';
import { pageBytesMax, streamReads } from './reading.ts';

const statement: Statement = { text: 'SELECT', values: ['250'] };
const here = { snapshot: '10:10:', knownAt: 1_000 };

/** A table of one row, `bytes` long, at a time that the test sets. */
function oneRow(bytes = 10) {
  const it = { now: 1_000, reads: 0 };
  const clock = {
    now: () => it.now,
    monotonic: () => it.now,
    sleep: async () => undefined,
  };
  const row = { body: 'x'.repeat(bytes), bytes, found: 1, position: ['1'] };
  const query = async (): Promise<unknown> => {
    it.reads += 1;
    return { rows: [row], rowCount: 1 };
  };
  return { it, reads: streamReads({ query: query as Sql['query'] }, clock) };
}

describe('pages of streams', () => {
  it('are read once for all who are at the same place of the same snapshot', async () => {
    const { it: table, reads } = oneRow();

    await Promise.all([reads.page(statement, here), reads.page(statement, here)]);
    await reads.page(statement, here);
    await reads.page({ ...statement, values: ['7'] }, here);

    expect(table.reads).toBe(2);
  });

  it('are read anew for who has another snapshot, or knows it only since they were read', async () => {
    const { it: table, reads } = oneRow();

    await reads.page(statement, here);
    await reads.page(statement, { ...here, snapshot: '11:11:' });
    table.now += 1;
    await reads.page(statement, { ...here, knownAt: table.now });
    const readByThen = table.reads;
    await reads.page(statement, { ...here, knownAt: table.now });
    await reads.page(statement, here);

    expect([readByThen, table.reads]).toEqual([3, 3]);
  });

  it('are not kept when one row is larger than a page', async () => {
    const wide = oneRow(pageBytesMax + 1);
    const full = oneRow(pageBytesMax);

    for (const { reads } of [wide, full]) {
      await Promise.all([reads.page(statement, here), reads.page(statement, here)]);
      await reads.page(statement, here);
    }

    expect([wide.it.reads, full.it.reads]).toEqual([2, 1]);
  });

  it('go with the last who listens', async () => {
    const { it: table, reads } = oneRow();
    const [first, second] = [reads.listen(), reads.listen()];

    await reads.page(statement, here);
    first[Symbol.dispose]();
    await reads.page(statement, here);
    const readByThen = table.reads;
    second[Symbol.dispose]();
    await reads.page(statement, here);

    expect([readByThen, table.reads]).toEqual([1, 2]);
  });
});
