/**
 * A prepared pipeline in a private database, opened as its two roles, with what tests of workers ask
 * of it. The ledger is migrated once a server and cloned for each test, or for each file that shares it.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { IncrementPipelinePodConfig } from '@millrace/crds/increment-pipeline';
import { systemClock } from '@millrace/kit/clock';
import { createLog, type Log } from '@millrace/kit/log';
import { openDatabase, type Database } from '../src/connectors/postgres/database.ts';
import { migrateUp } from '../src/connectors/postgres/migrate.ts';
import { ledgerMigrations } from '../src/increment-pipeline/migrations.ts';
import { preparePipeline } from '../src/increment-pipeline/setup/prepare.ts';
import { privateName } from './backends.ts';
import { database, type TestDatabase } from './database.ts';

export const testLog: Log = createLog({
  level: process.env['TEST_LOG_LEVEL'] ?? 'silent',
  bindings: {},
  fd: 2,
});

export function incrementConfig(
  overrides: Partial<IncrementPipelinePodConfig> = {},
): IncrementPipelinePodConfig {
  return {
    resource: { uid: randomUUID(), namespace: 'test', name: 'page-views' },
    target: { table: 'increments' },
    durability: 'Memory',
    durabilityVouched: false,
    partitions: 2,
    flush: { intervalMs: 100, maxKeys: 5_000, staleAfterMs: 8_000 },
    streams: { maxBytes: 64 << 20 },
    idempotency: { windowMs: 3_600_000, maxKeys: 10_000 },
    auth: { mode: 'None' },
    deletionPolicy: 'Retain',
    bind: { admin: { host: '127.0.0.1', port: 0 }, http: { host: '127.0.0.1', port: 0 } },
    backendsDir: '/nonexistent',
    terminationLog: '/dev/null',
    graceMs: 5_000,
    logLevel: 'info',
    ...overrides,
  };
}

export interface PreparedPipeline extends AsyncDisposable {
  readonly config: IncrementPipelinePodConfig;
  readonly uid: string;
  readonly server: TestDatabase;
  readonly workingRole: string;
  /** As the owner of the tables. */
  readonly owner: Database;
  /** As the role that gateways and workers have. */
  readonly db: Database;
  /** Another pool of the working role, as of another process; closed with the pipeline. */
  open(url?: string): Database;
  /** Prepares it again, or another pipeline in the same database. */
  prepare(config?: IncrementPipelinePodConfig): Promise<void>;
  /** The table of the sums, by key. */
  sums(): Promise<ReadonlyMap<string, bigint>>;
}

function migrationsHash(): string {
  const hash = createHash('sha256');
  for (const file of readdirSync(ledgerMigrations.dir).sort()) {
    hash.update(readFileSync(join(ledgerMigrations.dir, file)));
  }
  return hash.digest('hex').slice(0, 12);
}

export async function migratedDatabase(): Promise<TestDatabase> {
  return database({
    template: {
      key: `increment_${migrationsHash()}`,
      build: async (url) => {
        await migrateUp(
          { url, source: ledgerMigrations, clock: systemClock, deadlineMs: 20_000 },
          { workingUrl: '' },
        );
      },
    },
  });
}

/** In a database of its own, or with a table of its own in one that others use and somebody else ends. */
export async function preparedPipeline(
  overrides: Partial<IncrementPipelinePodConfig> = {},
  shared?: TestDatabase,
): Promise<PreparedPipeline> {
  const server = shared ?? (await migratedDatabase());
  const table = shared === undefined ? 'increments' : privateName('sums');
  const config = incrementConfig({ target: { table }, ...overrides });
  const workingRole = decodeURIComponent(new URL(server.appUrl).username);
  const opened: Database[] = [];
  const openAs = (url: string): Database => {
    const db = openDatabase({ url: () => url, applicationName: 'test', max: 6, log: testLog });
    opened.push(db);
    return db;
  };
  const owner = openAs(server.ownerUrl);
  const db = openAs(server.appUrl);
  const prepare = async (wanted = config): Promise<void> =>
    preparePipeline({
      config: wanted,
      ownerUrl: server.ownerUrl,
      owner,
      workingRole,
      log: testLog,
      clock: systemClock,
      signal: AbortSignal.timeout(20_000),
    });
  await prepare();
  return {
    config,
    uid: config.resource.uid,
    server,
    workingRole,
    owner,
    db,
    open: (url = server.appUrl) => openAs(url),
    prepare,
    sums: async () => {
      const { rows } = await owner.query<{ key: string; value: string }>(
        `SELECT key, value FROM "${config.target.table}"`,
      );
      return new Map(rows.map(({ key, value }) => [key, BigInt(value)]));
    },
    [Symbol.asyncDispose]: async () => {
      for (const pool of opened) await pool[Symbol.asyncDispose]();
      if (shared === undefined) await server[Symbol.asyncDispose]();
    },
  };
}
