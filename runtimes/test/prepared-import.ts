/**
 * An import of a small file that is pinned and cut, with its table, in a private database: ready for
 * workers. Its records are `id,value` lines; the configuration is in a file for real processes.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { systemClock } from '@millrace/kit/clock';
import { createLog } from '@millrace/kit/log';
import { pinImport, registerImport } from '../src/chunks/imports.ts';
import { acquireTarget } from '../src/chunks/targets.ts';
import { backendUrls } from '../src/connectors/backend-urls.ts';
import { openDatabase, type Database } from '../src/connectors/postgres/database.ts';
import { planChunks } from '../src/csv-import/coordinator/planner.ts';
import { decideSource } from '../src/csv-import/coordinator/source-pin.ts';
import { createSink } from '../src/csv-import/load/sink.ts';
import { openSource } from '../src/csv-import/source/open-source.ts';
import type { Source } from '../src/csv-import/source/source.ts';
import { importDatabase } from './import-database.ts';
import { podConfig } from './pod-config.ts';

/** Compiled code is kept between the many processes of these tests: it halves their work. */
const compileCache = fileURLToPath(new URL('../../.millrace/test/compile-cache', import.meta.url));

const log = createLog({ level: 'silent', bindings: {}, fd: 2 });

export interface PreparedImport extends AsyncDisposable {
  readonly uid: string;
  readonly config: CsvImportPodConfig;
  /** As the owner of everything. */
  readonly owner: Database;
  /** As workers are. */
  readonly app: Database;
  /** What a real process of this import needs. */
  readonly env: Readonly<Record<string, string>>;
  readonly chunks: readonly number[];
}

export async function preparedImport(
  content: string | Buffer,
  overrides: Partial<CsvImportPodConfig> = {},
): Promise<PreparedImport> {
  const server = await importDatabase();
  const folder = await mkdtemp(join(tmpdir(), 'millrace-prepared-'));
  await writeFile(join(folder, 'data.csv'), content);
  const uid = randomUUID();
  const table = 'things';
  const config = podConfig({
    uid,
    folder,
    table,
    overrides: {
      format: { header: 'Present', delimiter: ',', quote: '"', escape: 'Doubled' },
      columns: [
        { name: 'id', type: 'bigint' },
        { name: 'value', type: 'text' },
      ],
      ...overrides,
    },
  });
  const file = join(folder, 'config.json');
  await writeFile(file, JSON.stringify(config));
  const open = (url: string, max: number): Database =>
    openDatabase({ url: () => url, applicationName: 'test', max, log });
  const owner = open(server.ownerUrl, 2);
  const app = open(server.appUrl, 3);
  const workingRole = decodeURIComponent(new URL(server.appUrl).username);
  const { chunks } = await prepareImport(config, owner, workingRole);
  return {
    uid,
    config,
    owner,
    app,
    env: {
      PATH: process.env['PATH'] ?? '',
      MILLRACE_CONFIG: file,
      POSTGRES_URL: server.appUrl,
      POSTGRES_OWNER_URL: server.ownerUrl,
      LOG_LEVEL: process.env['TEST_LOG_LEVEL'] ?? 'fatal',
      NODE_COMPILE_CACHE: compileCache,
    },
    chunks,
    [Symbol.asyncDispose]: async () => {
      await owner[Symbol.asyncDispose]();
      await app[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
      await server[Symbol.asyncDispose]();
    },
  };
}

/** What the configuration names, with no Secret but the environment. */
export function sourceOf(config: CsvImportPodConfig): Source {
  const urls = backendUrls(config.backendsDir, process.env);
  return openSource(config.source, { urls, clock: systemClock });
}

/** Everything a coordinator does before workers begin; with the numbers of the chunks. */
export async function prepareImport(
  config: CsvImportPodConfig,
  owner: Database,
  workingRole: string,
) {
  const { uid } = config.import;
  const { table: target } = config.target;
  const sink = createSink({ config, owner, workingRole });
  await owner.transaction((tx) =>
    registerImport(tx, { ...config.import, target, chunkBytes: config.chunkBytes }),
  );
  const turn = await owner.transaction((tx) => acquireTarget(tx, uid));
  expect(turn.outcome).toBe('Held');
  const source = sourceOf(config);
  const pin = await decideSource({ config, sink, source });
  const { wasEmpty } = await sink.prepareTarget(pin.columns);
  await owner.transaction((tx) =>
    pinImport(tx, uid, {
      ...pin,
      source: pin.pinned,
      header: { names: pin.header.names, dataStart: pin.header.dataStart },
      targetWasEmpty: wasEmpty,
      dataStart: pin.header.dataStart,
      firstLine: pin.header.lines + 1,
      comments: 0,
      blank: 0,
    }),
  );
  const chunks: number[] = [];
  await planChunks(
    {
      ...config,
      db: owner,
      uid,
      source,
      pinned: pin.pinned,
      dialect: pin.dialect,
      planned: (planned) => chunks.push(...planned.map((it) => it.chunk)),
    },
    new AbortController().signal,
  );
  return { chunks, sink, turn };
}
