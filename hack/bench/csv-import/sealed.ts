/**
 * What sealing one column costs: the same rows with and without it, and a bare loop that does nothing
 * but encrypt the same values with AES-256-GCM, all in one run and in turn.
 *
 * The bare loop is the least that sealing can take on one core: one cipher a value with a fixed key and
 * a counted nonce, no key derivation, no associated data, nothing parsed and nothing stored. The bar is
 * a share of that or of the unsealed import, whichever is slower.
 */
import { createCipheriv, createSecretKey, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { spreadOf, type Spread } from '../statistics.ts';

import type { Bench } from './bench.ts';
import { columnNames, writeData, type DataFile } from './data.ts';

const sealedColumn = 'email';
const least = 0.7;
const rowsDefault = 1_000_000;

/** Text of SEALING_KEYS with keys that live as long as the benchmark. */
export function sealingKeys(): string {
  const key = (): string => randomBytes(32).toString('base64');
  return JSON.stringify({ bench: { use: 'active', seal: key(), index: key() } });
}

interface Run {
  /** Rows a second. */
  readonly unsealed: number;
  readonly bare: number;
  readonly sealed: number;
}

/** True if the bar is met with every number of workers. */
export async function measureSealed(bench: Bench): Promise<boolean> {
  const { options, folder } = bench;
  const rows = options.rows ?? rowsDefault;
  const data = await writeData(join(folder, 'rows.csv'), { rows, duplicates: 0 });
  const values = await valuesOf(data);
  console.log(`\n${header.join('\n')}`);
  let isMet = true;
  for (const workers of options.workers) {
    const runs: Run[] = [];
    for (let run = 0; run < options.runs; run += 1) {
      const one = {
        unsealed: await rowsPerSecond(bench, data, { workers, sealed: [] }),
        bare: bareLoop(values),
        sealed: await rowsPerSecond(bench, data, { workers, sealed: [sealedColumn] }),
      };
      runs.push(one);
      console.error(
        `sealed, ${String(workers)} workers, run ${String(run + 1)}: ${JSON.stringify(one)}; load ${(loadavg()[0] ?? 0).toFixed(1)}`,
      );
    }
    const ratio = spreadOf(runs.map(ratioOf));
    isMet &&= ratio.median >= least;
    console.log(line({ rows, workers, runs, ratio }));
  }
  await rm(data.path);
  return isMet;
}

function ratioOf({ unsealed, bare, sealed }: Run): number {
  return sealed / Math.min(unsealed, bare);
}

async function rowsPerSecond(
  bench: Bench,
  data: DataFile,
  { workers, sealed }: { readonly workers: number; readonly sealed: readonly string[] },
): Promise<number> {
  await bench.tables.dropAll();
  await bench.tables.checkpoint();
  const { seconds } = await bench.load(data, workers, sealed);
  return Math.round(data.rows / seconds);
}

async function valuesOf({ path }: DataFile): Promise<readonly Buffer[]> {
  const at = columnNames.indexOf(sealedColumn);
  const values: Buffer[] = [];
  for await (const text of createInterface({ input: createReadStream(path) })) {
    values.push(Buffer.from(text.split(',')[at] ?? ''));
  }
  return values.slice(1);
}

/** Values a second on one core. */
function bareLoop(values: readonly Buffer[]): number {
  const key = createSecretKey(randomBytes(32));
  const nonce = Buffer.alloc(12);
  const startMs = performance.now();
  let bytes = 0;
  for (const [index, value] of values.entries()) {
    nonce.writeUInt32BE(index, 8);
    const cipher = createCipheriv('aes-256-gcm', key, nonce);
    bytes += cipher.update(value).length;
    cipher.final();
    bytes += cipher.getAuthTag().length;
  }
  if (bytes === 0) throw new Error('nothing was encrypted');
  return Math.round((values.length * 1_000) / (performance.now() - startMs));
}

const header: readonly string[] = [
  '| rows | workers | unsealed rows/s | bare AES-GCM values/s | one sealed column rows/s | of the slower | least | |',
  '|---|---|---|---|---|---|---|---|',
];

interface Line {
  readonly rows: number;
  readonly workers: number;
  readonly runs: readonly Run[];
  readonly ratio: Spread;
}

function line({ rows, workers, runs, ratio }: Line): string {
  const cells = [
    rows.toLocaleString('en'),
    String(workers),
    ...(['unsealed', 'bare', 'sealed'] as const).map((name) =>
      spread(spreadOf(runs.map((run) => run[name]))),
    ),
    `**${ratio.median.toFixed(2)}** (${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)})`,
    least.toFixed(1),
    ratio.median >= least ? 'met' : 'missed',
  ];
  return `| ${cells.join(' | ')} |`;
}

function spread({ median, min, max }: Spread): string {
  const whole = (value: number): string => Math.round(value).toLocaleString('en');
  return `${whole(median)} (${whole(min)}–${whole(max)})`;
}
