/**
 * Chunks of CSV loaded into a private database the way a worker does it: each in a transaction of the
 * working role, on a target that the owner has prepared. The database is made once for a test file and
 * emptied after each use.
 */
import { afterAll } from 'vitest';
import type { ColumnSpec } from '@millrace/crds/csv-import';
import { createLog } from '@millrace/kit/log';
import { openDatabase, type Database } from '../src/connectors/postgres/database.ts';
import { sqlIdentifier } from '../src/connectors/postgres/identifier.ts';
import { standardDialect } from '../src/csv/dialect.ts';
import type { ChunkLoader, LoadedChunk, LoadPlan } from '../src/csv-import/load/chunk-loader.ts';
import type { OnConflict } from '../src/csv-import/load/merge.ts';
import { resolveMapping } from '../src/csv-import/load/mapping.ts';
import { prepareTarget } from '../src/csv-import/load/target-setup.ts';
import { database, type TestDatabase } from './database.ts';

export const importUid = '0f0e0d0c-0b0a-4908-8706-050403020100';

export interface LoadingOptions {
  readonly table: string;
  readonly columns: readonly ColumnSpec[];
  readonly key: readonly string[];
  readonly onConflict?: OnConflict;
  readonly adopt?: boolean;
  readonly sequence?: number;
  readonly mode?: 'direct' | 'merge';
  readonly uid?: string;
}

export interface LoadingServer extends AsyncDisposable {
  readonly owner: Database;
  readonly worker: Database;
  /** Prepares the target and returns a loader's plan for it. */
  plan(options: LoadingOptions): Promise<LoadPlan>;
  /** Loads one chunk in its own transaction. */
  load(loader: ChunkLoader, lines: Chunk): Promise<LoadedChunk>;
  /** All rows of a table in the order of their text. */
  rows(table: string, columns?: string): Promise<readonly string[]>;
}

export interface Chunk {
  readonly chunk: number;
  readonly offset: number;
  readonly bytes: Buffer;
}

/** Cuts lines (without line ends) into chunks at the given numbers of lines. */
export function chunksOf(lines: readonly string[], linesPerChunk: number): readonly Chunk[] {
  const chunks: Chunk[] = [];
  let offset = 100;
  for (let at = 0; at < lines.length; at += linesPerChunk) {
    const bytes = Buffer.from(`${lines.slice(at, at + linesPerChunk).join('\n')}\n`);
    chunks.push({ chunk: chunks.length, offset, bytes });
    offset += bytes.length;
  }
  return chunks;
}

let shared: Promise<TestDatabase> | undefined;
afterAll(async () => {
  await (await shared)?.[Symbol.asyncDispose]();
});

/** One at a time. */
export async function loadingServer(): Promise<LoadingServer> {
  shared ??= database();
  const server = await shared;
  const log = createLog({ level: 'silent', bindings: {}, fd: 2 });
  const open = (url: string): Database =>
    openDatabase({ url: () => url, applicationName: 'test', max: 4, log });
  const owner = open(server.ownerUrl);
  const worker = open(server.appUrl);
  return {
    owner,
    worker,
    plan: (options) => plan(owner, new URL(server.appUrl).username, options),
    load: (loader, chunk) => worker.transaction((tx) => loader.load(tx, chunk)),
    rows: async (table, columns = '*') => {
      const { rows } = await owner.query<{ row: string }>(
        `SELECT row_to_json(r)::text AS row FROM (SELECT ${columns} FROM ${sqlIdentifier(table)}) AS r ORDER BY 1`,
      );
      return rows.map(({ row }) => row);
    },
    [Symbol.asyncDispose]: async () => {
      await worker[Symbol.asyncDispose]();
      await owner.query(
        'DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC',
      );
      await owner[Symbol.asyncDispose]();
    },
  };
}

async function plan(owner: Database, role: string, options: LoadingOptions): Promise<LoadPlan> {
  const { columns, key, table } = options;
  const mapping = resolveMapping({ columns, width: columns.length, key });
  if (!mapping.ok) throw new Error(mapping.message);
  const { target, wasEmpty } = await prepareTarget(owner, {
    table,
    columns,
    key,
    adopt: options.adopt ?? false,
    workingRole: role,
  });
  return {
    importUid: options.uid ?? importUid,
    dialect: { ...standardDialect, header: false },
    maxRecordBytes: 1024 * 1024,
    mapping: mapping.mapping,
    target,
    onConflict: options.onConflict ?? 'LatestWins',
    sequence: options.sequence ?? 1,
    mode: options.mode ?? (wasEmpty ? 'direct' : 'merge'),
  };
}
