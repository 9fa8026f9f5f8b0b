/**
 * How fast rows go into Postgres through the sink alone, against psql on the same rows, same server,
 * same run. No queue and no ledger: this is for finding out what the sink costs.
 *
 *   MILLRACE_POSTGRES_URL=postgres://… node hack/bench/csv-import/sink/main.ts [rows] [runs] [workers]
 *
 * Workers are processes that take the chunks in turn, each chunk in a transaction of its own.
 * Baselines: `\copy` into a table with the same columns and key; for keys that meet, `\copy` into a
 * staging table and one INSERT … SELECT DISTINCT ON … ON CONFLICT.
 */
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, closeSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '@millrace/kit/log';
import { ChunkLoader } from '@millrace/runtimes/csv-import/load/chunk-loader';
import { resolveMapping, type Mapping } from '@millrace/runtimes/csv-import/load/mapping';
import { describeTarget } from '@millrace/runtimes/csv-import/load/target';
import { prepareTarget } from '@millrace/runtimes/csv-import/load/target-setup';
import { openDatabase, type Database } from '@millrace/runtimes/connectors/postgres/database';
import { standardDialect } from '@millrace/runtimes/csv/dialect';

const url = process.env['MILLRACE_POSTGRES_URL'] ?? '';
const chunkBytes = 16 * 1024 * 1024;
const uid = '00000000-0000-4000-8000-000000000001';
const columns = [
  { name: 'id', type: 'bigint' },
  { name: 'first_name', type: 'text' },
  { name: 'last_name', type: 'text' },
  { name: 'email', type: 'text' },
  { name: 'created_at', type: 'timestamp' },
  { name: 'score', type: 'integer' },
  { name: 'amount', type: 'decimal' },
  { name: 'active', type: 'boolean' },
] as const;
const names = columns.map((column) => column.name);
const definition =
  'id bigint, first_name text, last_name text, email text, created_at timestamptz, score integer, amount numeric, active boolean';

function open(): Database {
  const log = createLog({ level: 'error', bindings: {}, fd: 2 });
  return openDatabase({ url: () => url, applicationName: 'bench', max: 2, log });
}

function mapping(): Mapping {
  const result = resolveMapping({ columns, header: names, width: names.length, key: ['id'] });
  if (!result.ok) throw new Error(result.message);
  return result.mapping;
}

interface Work {
  readonly file: string;
  readonly mode: 'direct' | 'merge';
  readonly worker: number;
  readonly workers: number;
}

async function work({ file, mode, worker, workers }: Work): Promise<void> {
  await using db = open();
  const bytes = readFileSync(file);
  const target = await describeTarget(db, { table: 'bench', columns, key: ['id'] });
  if (target === undefined) throw new Error('no target');
  const loader = new ChunkLoader({
    importUid: uid,
    dialect: standardDialect,
    maxRecordBytes: 16 * 1024 * 1024,
    mapping: mapping(),
    target,
    onConflict: 'LatestWins',
    sequence: 2,
    mode,
  });
  const paths: string[] = [];
  await db.query('SELECT 1');
  process.send?.('ready');
  await once(process, 'message');
  let start = bytes.indexOf(10) + 1;
  for (let chunk = 0; start < bytes.length; chunk += 1) {
    const cut = bytes.indexOf(10, start + chunkBytes);
    const end = cut < 0 ? bytes.length : cut + 1;
    if (chunk % workers === worker) {
      const input = { chunk, offset: start, bytes: bytes.subarray(start, end) };
      const result = await db.transaction((tx) => loader.load(tx, input));
      paths.push(result.path);
    }
    start = end;
  }
  const memory = Math.round(process.resourceUsage().maxRSS / 1024);
  process.send?.({ paths, memoryMiB: memory - Math.round(bytes.length / 1024 / 1024) });
}

interface Scenario {
  readonly name: string;
  readonly duplicates: number;
  readonly held: boolean;
}

const scenarios: readonly Scenario[] = [
  { name: 'empty table, no duplicates', duplicates: 0, held: false },
  { name: 'empty table, 2 % duplicates', duplicates: 0.02, held: false },
  { name: 'table holds half the keys', duplicates: 0, held: true },
];

/** A fixed sequence (xorshift), so that every run loads the same rows. */
function random(): () => number {
  let state = 88_172_645;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}

function generate(file: string, rows: number, duplicates: number): void {
  const next = random();
  const below = (limit: number) => Math.floor(next() * limit);
  const fd = openSync(file, 'w');
  const lines = [names.join()];
  for (let row = 0; row < rows; row += 1) {
    const id = 1_000_000 + (next() < duplicates ? below(row + 1) : row);
    const date = `20${pad(below(26))}-${pad(1 + below(12))}-${pad(1 + below(28))}`;
    const time = `${pad(below(24))}:${pad(below(60))}:${pad(below(60))}`;
    lines.push(
      `${id},Katherine,Lovelace${below(9)},user.${row % 99_999}@example.com,${date}T${time}Z,${below(10_000)},${below(1000)}.${pad(below(100))},${next() < 0.5 ? 't' : 'f'}`,
    );
    if (lines.length < 20_000 && row < rows - 1) continue;
    writeSync(fd, `${lines.join('\n')}\n`);
    lines.length = 0;
  }
  closeSync(fd);
}

function psql(...commands: readonly string[]): number {
  const args = [
    '-q',
    '-X',
    '-v',
    'ON_ERROR_STOP=1',
    url,
    ...commands.flatMap((text) => ['-c', text]),
  ];
  const startMs = performance.now();
  execFileSync('psql', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  return (performance.now() - startMs) / 1000;
}

function hold(table: string, rows: number): string {
  return `INSERT INTO ${table} (${names.join()}) SELECT i, 'a', 'b', 'c', now(), 1, 1.5, true FROM generate_series(1000000, ${1_000_000 + rows - 1}, 2) AS i`;
}

function baseline(scenario: Scenario, file: string, rows: number): number {
  psql(
    'DROP TABLE IF EXISTS plain, staging',
    `CREATE TABLE plain (${definition}, PRIMARY KEY (id))`,
  );
  if (scenario.held) psql(hold('plain', rows));
  psql('CHECKPOINT');
  if (scenario.duplicates === 0 && !scenario.held)
    return psql(`\\copy plain FROM '${file}' CSV HEADER`);
  psql(`CREATE TABLE staging (line bigserial, ${definition})`);
  const updates = names.slice(1).map((name) => `${name} = excluded.${name}`);
  return psql(
    `\\copy staging (${names.join()}) FROM '${file}' CSV HEADER`,
    `INSERT INTO plain SELECT DISTINCT ON (id) ${names.join()} FROM staging ORDER BY id, line DESC ON CONFLICT (id) DO UPDATE SET ${updates.join()}`,
  );
}

async function ours(
  scenario: Scenario,
  { file, rows, workers }: { file: string; rows: number; workers: number },
): Promise<{ seconds: number; reports: string }> {
  psql('DROP TABLE IF EXISTS bench, bench_rejects');
  {
    await using db = open();
    await prepareTarget(db, { table: 'bench', columns, key: ['id'], adopt: false });
  }
  if (scenario.held) psql(hold('bench', rows));
  psql('CHECKPOINT');
  const mode = scenario.held ? 'merge' : 'direct';
  const children = Array.from({ length: workers }, (_, worker) =>
    fork(import.meta.filename, ['work', file, mode, `${worker}`, `${workers}`]),
  );
  await Promise.all(children.map((child) => once(child, 'message')));
  const startMs = performance.now();
  const reports = await Promise.all(
    children.map(async (child) => {
      child.send('go');
      const [report] = await once(child, 'message');
      return report as object;
    }),
  );
  return { seconds: (performance.now() - startMs) / 1000, reports: JSON.stringify(reports) };
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[values.length >> 1] ?? Number.NaN;
}

async function main(rows: number, runs: number, workers: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  console.log(
    `| ${rows} rows, ${workers} worker(s), median of ${runs} | psql s | sink s | ratio |\n|---|---|---|---|`,
  );
  for (const scenario of scenarios) {
    const file = join(folder, 'rows.csv');
    generate(file, rows, scenario.duplicates);
    const base: number[] = [];
    const sink: number[] = [];
    let reports = '';
    for (let run = 0; run < runs; run += 1) {
      base.push(baseline(scenario, file, rows));
      const result = await ours(scenario, { file, rows, workers });
      sink.push(result.seconds);
      reports = result.reports;
    }
    const [psqlS, sinkS] = [median(base), median(sink)];
    console.log(
      `| ${scenario.name} | ${psqlS.toFixed(2)} | ${sinkS.toFixed(2)} | ${(psqlS / sinkS).toFixed(2)} |`,
    );
    if (process.env['VERBOSE'] !== undefined) console.error(base, sink, reports);
  }
  rmSync(folder, { recursive: true });
}

const [first, ...rest] = process.argv.slice(2);
if (first === 'work') {
  const [file = '', mode, worker, workers] = rest;
  await work({
    file,
    mode: mode === 'merge' ? 'merge' : 'direct',
    worker: Number(worker),
    workers: Number(workers),
  });
  process.disconnect();
} else await main(Number(first ?? 1_000_000), Number(rest[0] ?? 5), Number(rest[1] ?? 1));
