/**
 * The worker's sink on batches of 5,000 keys, from the entries of a stream to the commit, against the
 * best of the upserts written by hand on the same items: with its fence, its counts and its offsets
 * it does more, and must not cost much more. Batches of both sides take turns on tables of their own.
 */
import type { Client } from 'pg';
import type { Result } from '../result.ts';
import { spreadOf, spreadText } from '../statistics.ts';
import type { Bench } from './bench.ts';
import { openFlushTables, type FlushTables, type Sink } from './flush-tables.ts';
import { itemsOf } from './items.ts';
import type { KeySet } from './keys.ts';
import { upserts, type Upsert } from './upserts.ts';

const ratioMin = 0.8;
const batchKeys = 5_000;
const heldKeys = 200_000;
const keys: KeySet = { seed: 8, many: 2 * heldKeys };
const trials = 10;

interface Case {
  readonly title: string;
  /** The share of a batch's keys that the table holds before. */
  readonly held: number;
}

const cases: readonly Case[] = [
  { title: 'all keys new', held: 0 },
  { title: 'all keys held', held: 1 },
  { title: 'half of the keys held', held: 0.5 },
];

export async function measureFlush(bench: Bench): Promise<readonly Result[]> {
  const held = Array.from({ length: heldKeys }, (_, index) => index);
  await using tables = await openFlushTables(bench, itemsOf(keys, held));
  const results: Result[] = [];
  for (const one of cases) results.push(await measureCase(bench, tables, one));
  return results;
}

/** No key twice: the held ones from the first half of the keys, the new ones from the second. */
function batchOf({ held }: Case, batch: number): Buffer {
  const old = Math.round(batchKeys * held);
  const indexes = Array.from({ length: batchKeys }, (_, place) =>
    place < old ? batch * old + place : heldKeys + batch * (batchKeys - old) + place - old,
  );
  return itemsOf(keys, indexes);
}

async function measureCase(bench: Bench, tables: FlushTables, one: Case): Promise<Result> {
  const { options, log } = bench;
  const batches = Array.from({ length: options.quick ? 8 : 36 }, (_, batch) => batchOf(one, batch));
  const { upsert, text } = await bestUpsert(tables, one, batches.slice(0, trials));
  log(`${one.title}: ${text}`);
  const ratios: number[] = [];
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let run = 0; run < options.runs; run += 1) {
    await prepare(tables, one);
    await using byHand = await tables.connect(upsert);
    const sink = await tables.openSink();
    const took = await takeTurns(batches, [
      (items) => sink.commit(items),
      (items) => upsert.add(byHand.client, tables.byHand, items),
    ]);
    await tables.requireEqual();
    const [own, other] = took.map((each) => each.reduce((sum, ms) => sum + ms, 0));
    ratios.push((other ?? Number.NaN) / (own ?? Number.NaN));
    ours.push((own ?? Number.NaN) / batches.length);
    theirs.push((other ?? Number.NaN) / batches.length);
    log(`${one.title}, run ${String(run + 1)}: ratio ${(ratios.at(-1) ?? 0).toFixed(2)}`);
  }
  const ratio = spreadOf(ratios);
  return {
    what: `flush of 5,000 keys, ${one.title}: rows a second, to ${upsert.name}`,
    measured: `**${spreadText(ratio)}** (${spreadText(spreadOf(ours), 1)} ms and ${spreadText(spreadOf(theirs), 1)} ms)`,
    bar: `≥ ${String(ratioMin)}`,
    met: ratio.median >= ratioMin,
  };
}

/** A slow moment of the machine meets either side as often: A B, B A, and so on. */
async function takeTurns(
  batches: readonly Buffer[],
  sides: readonly [Sink['commit'], Sink['commit']],
): Promise<readonly (readonly number[])[]> {
  const took: [number[], number[]] = [[], []];
  for (const [turn, items] of batches.entries()) {
    for (const side of turn % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      const startMs = performance.now();
      await sides[side](items);
      took[side].push(performance.now() - startMs);
    }
  }
  return took;
}

async function prepare(tables: FlushTables, { held }: Case): Promise<void> {
  await tables.reset();
  if (held > 0) await tables.hold();
}

/** Each way of writing it by hand on the same batches; the least median wins. */
async function bestUpsert(
  tables: FlushTables,
  one: Case,
  batches: readonly Buffer[],
): Promise<{ readonly upsert: Upsert; readonly text: string }> {
  const medians: { readonly upsert: Upsert; readonly ms: number }[] = [];
  for (const upsert of upserts) {
    await prepare(tables, one);
    await using connection = await tables.connect(upsert);
    medians.push({ upsert, ms: await medianMs(connection.client, { tables, upsert, batches }) });
  }
  const [best] = medians.toSorted((left, right) => left.ms - right.ms);
  if (best === undefined) throw new Error('there is no upsert to compare with');
  const texts = medians.map(({ upsert, ms }) => `${upsert.name} ${ms.toFixed(1)} ms`);
  return { upsert: best.upsert, text: texts.join(', ') };
}

async function medianMs(
  client: Client,
  {
    tables,
    upsert,
    batches,
  }: {
    readonly tables: FlushTables;
    readonly upsert: Upsert;
    readonly batches: readonly Buffer[];
  },
): Promise<number> {
  const took: number[] = [];
  for (const items of batches) {
    const startMs = performance.now();
    await upsert.add(client, tables.byHand, items);
    took.push(performance.now() - startMs);
  }
  return spreadOf(took).median;
}
