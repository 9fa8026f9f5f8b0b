/**
 * Makes Postgres ready for a pipeline, with the owner's rights: the ledger, the table of the sums, the
 * rows of the pipeline and its partitions, the days of the table of requests, and the grants of the
 * working role, which may read and write rows and can neither create nor drop.
 *
 * Every gateway and worker calls it when it starts; whoever comes first does the work, one at a time.
 * Once all is there it only looks, and for that the working role's rights are enough. It waits for a
 * server that is away for as long as that takes; what waiting cannot mend it throws as Permanent.
 */
import { readdir } from 'node:fs/promises';
import type { IncrementPipelinePodConfig } from '@millrace/crds/increment-pipeline';
import type { Clock } from '@millrace/kit/clock';
import type { Log } from '@millrace/kit/log';
import { Permanent } from '@millrace/kit/permanent';
import { retryTransient } from '@millrace/kit/retry';
import type { Transient } from '@millrace/kit/transient';
import type { Database, Sql } from '../../connectors/postgres/database.ts';
import { sqlIdentifier } from '../../connectors/postgres/identifier.ts';
import { migrateUp } from '../../connectors/postgres/migrate.ts';
import { ledgerMigrations } from '../migrations.ts';
import { hasRequestDays, makeRequestDays } from './request-days.ts';
import { underSetupLock } from './setup-lock.ts';
import { checkTarget, createTargetSql, mismatch } from './target.ts';

export interface PrepareOptions {
  readonly config: IncrementPipelinePodConfig;
  readonly ownerUrl: string | (() => string);
  readonly owner: Database;
  /** The role that works on the tables; undefined if it is the owner itself. */
  readonly workingRole?: string | undefined;
  readonly caBundle?: string | undefined;
  readonly log: Log;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told before each wait; else it is logged. */
  waiting?(failure: Transient, waitMs: number): void;
}

/** Another process migrates in seconds; beyond a minute something is stuck and the wait is shown. */
const migrateDeadlineMs = 60_000;

export async function preparePipeline(options: PrepareOptions): Promise<void> {
  const { clock, log, signal } = options;
  await retryTransient(() => prepareOnce(options), {
    clock,
    signal,
    onWait: (failure, _failures, waitMs) => {
      if (options.waiting === undefined) log.warn({ err: failure }, 'waiting to prepare postgres');
      else options.waiting(failure, waitMs);
    },
  });
}

async function prepareOnce(options: PrepareOptions): Promise<void> {
  const { config, owner } = options;
  if (await isPrepared(options)) return;
  // Whoever waited for the lock finds everything done.
  await underSetupLock(owner, async (session) => {
    if (await isPrepared({ ...options, owner: session })) return;
    await migrate(options);
    if (config.idempotency !== undefined) await makeRequestDays(session);
    await session.query('BEGIN');
    await register(session, config);
    await grant(session, options);
    await session.query('COMMIT');
  });
}

const registeredSql = `
SELECT (SELECT count(*) FROM millrace.increment_partitions WHERE pipeline = $1)::int AS found,
  partitions FROM millrace.increment_pipelines WHERE uid = $1`;
const grantedSql = `
SELECT has_table_privilege($1, $2, 'SELECT') AND has_table_privilege($1, $2, 'INSERT')
  AND has_table_privilege($1, $2, 'UPDATE')
  AND has_table_privilege($1, 'millrace.increment_partitions', 'UPDATE') AS granted`;

interface Look {
  readonly config: IncrementPipelinePodConfig;
  readonly owner: Sql;
  readonly workingRole?: string | undefined;
}

async function isPrepared({ config, owner, workingRole }: Look): Promise<boolean> {
  const { schema, table: applied } = ledgerMigrations;
  const { rows: there } = await owner.query<{ found: boolean }>(
    'SELECT to_regclass($1) IS NOT NULL AS found',
    [`${schema}.${applied}`],
  );
  if (there[0]?.found !== true) return false;
  const { rows: names } = await owner.query<{ name: string }>(
    `SELECT name FROM ${sqlIdentifier(schema)}.${sqlIdentifier(applied)}`,
  );
  const known = new Set(names.map(({ name }) => name));
  if ((await migrationNames()).some((name) => !known.has(name))) return false;
  const { rows } = await owner.query<{ found: number; partitions: number }>(registeredSql, [
    config.resource.uid,
  ]);
  const isRegistered = rows[0] !== undefined && rows[0].found === config.partitions;
  if (!isRegistered || !(await checkTarget(owner, config.target.table))) return false;
  if (config.idempotency !== undefined && !(await hasRequestDays(owner, 1))) return false;
  if (workingRole === undefined) return true;
  const { rows: grants } = await owner.query<{ granted: boolean }>(grantedSql, [
    workingRole,
    sqlIdentifier(config.target.table),
  ]);
  return grants[0]?.granted === true;
}

async function migrationNames(): Promise<readonly string[]> {
  const files = await readdir(ledgerMigrations.dir);
  return files.filter((file) => file.endsWith('.sql')).map((file) => file.slice(0, -4));
}

async function migrate(options: PrepareOptions): Promise<void> {
  const { ownerUrl, caBundle, clock, workingRole } = options;
  await migrateUp(
    {
      url: typeof ownerUrl === 'string' ? ownerUrl : ownerUrl(),
      caBundle,
      source: ledgerMigrations,
      clock,
      deadlineMs: migrateDeadlineMs,
    },
    // Only the user of this URL is read.
    {
      workingUrl:
        workingRole === undefined ? '' : `postgres://${encodeURIComponent(workingRole)}@any`,
    },
  );
}

const registerSql = `
INSERT INTO millrace.increment_pipelines AS p
  (uid, namespace, name, target, target_created, partitions, requests_needed_since)
VALUES ($1, $2, $3, $4, $5, $6, now() - $7::float8 * interval '1 millisecond')
ON CONFLICT (uid) DO UPDATE SET target_created = p.target_created OR excluded.target_created,
  requests_needed_since = coalesce(p.requests_needed_since, excluded.requests_needed_since)
RETURNING target, partitions`;
const partitionsSql = `
INSERT INTO millrace.increment_partitions (pipeline, partition)
SELECT $1, generate_series(0, $2::int - 1) ON CONFLICT DO NOTHING`;

/** The table and the note that it is ours are one transaction: Purge drops nothing of others. */
async function register(tx: Sql, config: IncrementPipelinePodConfig): Promise<void> {
  const { resource, target, partitions } = config;
  const isThere = await checkTarget(tx, target.table);
  if (!isThere) await tx.query(createTargetSql(target.table));
  const { uid, namespace, name } = resource;
  const { rows } = await tx.query<{ target: string; partitions: number }>(registerSql, [
    uid,
    namespace,
    name,
    target.table,
    !isThere,
    partitions,
    config.idempotency?.windowMs ?? null,
  ]);
  const [known] = rows;
  if (known?.target !== target.table) {
    throw mismatch(target.table, `is not the one of this pipeline, which is ${known?.target}`);
  }
  if (known.partitions !== partitions) {
    throw new Permanent(
      'PartitionsChanged',
      `The ledger has ${String(known.partitions)} partitions for this pipeline and the configuration ${String(partitions)}; create a new IncrementPipeline instead.`,
    );
  }
  await tx.query(partitionsSql, [uid, partitions]);
}

/** SELECT and UPDATE are what ON CONFLICT DO UPDATE needs. */
async function grant(tx: Sql, { config, workingRole }: PrepareOptions): Promise<void> {
  if (workingRole === undefined) return;
  const { rows } = await tx.query<{ role: string }>('SELECT current_user AS role');
  if (rows[0]?.role === workingRole) return;
  await tx.query(
    `GRANT SELECT, INSERT, UPDATE ON ${sqlIdentifier(config.target.table)} TO ${sqlIdentifier(workingRole)}`,
  );
}
