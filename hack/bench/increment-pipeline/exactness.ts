/** The last line of every measurement: the sums against what was accepted. */
import type { Result } from '../result.ts';
import type { Account } from './account.ts';
import type { Bench } from './bench.ts';

export async function exactness(bench: Bench, account: Account, table: string): Promise<Result> {
  const { accepted, unknown, keys, wrong, drainSeconds } = await account.verdict(
    bench.owner,
    table,
  );
  const drained = `in the table ${drainSeconds.toFixed(1)} s after the load`;
  return {
    what: '– its account',
    measured: `${accepted.toLocaleString('en-US')} accepted, ${unknown.toLocaleString('en-US')} unanswered; ${String(wrong)} of ${keys.toLocaleString('en-US')} sums wrong, ${drained}`,
    bar: 'accepted ≤ stored ≤ accepted + unanswered, for each key',
    met: wrong === 0,
  };
}
