/**
 * Imports of one test file in one database, each with a table of its own: to make a database and to
 * drop it takes longer than most of these imports. The first import finds it empty.
 */
import { afterAll, beforeAll, expect } from 'vitest';
import { database, type TestDatabase } from './database.ts';
import { importFlow, type FlowOptions, type ImportFlow } from './import-flow.ts';

/** `needed` says why the file's tests cannot run here; then nothing is made. */
export function importFlows(
  needed: string | undefined,
): (options: FlowOptions) => Promise<ImportFlow> {
  let shared: TestDatabase | undefined;
  let tables = 0;
  beforeAll(async () => {
    if (needed === undefined) shared = await database();
  });
  afterAll(async () => {
    await shared?.[Symbol.asyncDispose]();
  });
  return async (options) => {
    tables += 1;
    const own = { table: `things_${tables}`, ...options };
    return await importFlow(shared === undefined ? own : { shared, ...own });
  };
}

/** Records in order; keys repeat when `keys` is smaller than `count`. */
export function numberedCsv(count: number, keys = count): string {
  const lines = Array.from({ length: count }, (_, n) => `k${n % keys},value ${n}`);
  return `id,value\n${lines.join('\n')}\n`;
}

/** What every undisturbed run of `numberedCsv(count)` ends with. */
export async function expectAllLoaded(flow: ImportFlow, count: number): Promise<void> {
  const rows = await flow.rows();
  expect(rows).toHaveLength(count);
  expect(new Set(rows.map((row) => row.value)).size).toBe(count);
}
