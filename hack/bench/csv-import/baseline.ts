/**
 * What a careful person does by hand: psql's \copy into the table, or into a staging table and from
 * there by one INSERT … ON CONFLICT, where the last record of a key wins as it does in an import.
 *
 * Where psql is absent the same bytes go to the server through COPY FROM STDIN without a parser of
 * lines in between, which is faster than psql; the report says which it was.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { Bar } from './bars.ts';
import { columnNames, key } from './data.ts';
import { plainTable, stagingTable } from './tables.ts';

export interface Baseline {
  /** For the report. */
  readonly tool: string;
  /** Seconds from the first byte to the commit. */
  load(bar: Bar, file: string): Promise<number>;
}

const options = 'WITH (FORMAT csv, HEADER)';

/**
 * A staging table filled by one COPY has its rows in file order, so the place of a row says which
 * record of a key came last, without a column for it.
 */
const insert = `INSERT INTO ${plainTable} (${columnNames.join()})
  SELECT DISTINCT ON (${key}) ${columnNames.join()} FROM ${stagingTable} ORDER BY ${key}, ctid DESC
  ON CONFLICT (${key}) DO UPDATE SET ${columnNames
    .filter((name) => name !== key)
    .map((name) => `${name} = excluded.${name}`)
    .join(', ')}`;

function target(bar: Bar): string {
  return `${bar.baseline === 'copy' ? plainTable : stagingTable} (${columnNames.join()})`;
}

export function openBaseline(url: string): Baseline {
  const version = psqlVersion();
  return version === undefined
    ? { tool: 'COPY FROM STDIN (no psql on PATH)', load: (bar, file) => stream(url, bar, file) }
    : { tool: version, load: (bar, file) => psql(url, bar, file) };
}

function psqlVersion(): string | undefined {
  try {
    return execFileSync('psql', ['--version'], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

async function psql(url: string, bar: Bar, file: string): Promise<number> {
  const statements = [`\\copy ${target(bar)} FROM '${file.replaceAll("'", "''")}' ${options}`];
  if (bar.baseline === 'staging') statements.push(insert);
  const args = ['-q', '-X', '-v', 'ON_ERROR_STOP=1', url];
  const startMs = performance.now();
  const child = spawn('psql', [...args, ...statements.flatMap((text) => ['-c', text])], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`psql ended with ${String(code)}`);
  return (performance.now() - startMs) / 1000;
}

async function stream(url: string, bar: Bar, file: string): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const startMs = performance.now();
    const copy = client.query(copyFrom(`COPY ${target(bar)} FROM STDIN ${options}`));
    await pipeline(createReadStream(file, { highWaterMark: 262_144 }), copy);
    if (bar.baseline === 'staging') await client.query(insert);
    return (performance.now() - startMs) / 1000;
  } finally {
    await client.end();
  }
}
