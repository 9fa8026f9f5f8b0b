/**
 * Takes out of a database what Millrace made there. What it drops it knows by name from the ledger;
 * what it is not sure about it leaves and names.
 *
 * Order: tables first, the ledger that lists them last, so that a run that was interrupted can be
 * repeated. Nothing is dropped with CASCADE: a view of somebody else's on a loaded table stops it.
 */
import { systemClock } from '@millrace/kit/clock';
import { exitCode } from '@millrace/kit/exit-code';
import { Permanent } from '@millrace/kit/permanent';
import type { Database, Session, Sql } from '@millrace/runtimes/connectors/postgres/database';
import { sqlIdentifier } from '@millrace/runtimes/connectors/postgres/identifier';
import { migrateDown, migrationVersion } from '@millrace/runtimes/connectors/postgres/migrate';
import { rejectsTable } from '@millrace/runtimes/csv-import/load/rejects';
import { positionColumn } from '@millrace/runtimes/csv-import/load/target';
import { CommandFailure } from './ending.ts';
import { migrationSources } from './migrate.ts';
import { openPlace, type PostgresPlace } from './postgres-place.ts';

export interface ClearOptions {
  readonly withTables: boolean;
  /** Even while imports have not ended. */
  readonly force: boolean;
  readonly print: (line: string) => void;
}

const deadlineMs = 60_000;

export async function clearDatabase(at: PostgresPlace, options: ClearOptions): Promise<void> {
  await using db = openPlace(at, at.ownerUrl);
  if (await isThere(db, 'millrace.imports')) {
    if (!options.force) await refuseLive(db, at);
    if (options.withTables) await dropTables(db, options.print);
  }
  for (const source of Object.values(migrationSources)) {
    const migration = {
      url: at.ownerUrl,
      caBundle: at.caBundle,
      source,
      clock: systemClock,
      deadlineMs,
    };
    const applied = await migrationVersion(migration);
    if (applied.length > 0) await migrateDown(migration, applied.length);
    for (const name of applied.toReversed()) options.print(`undid ${name}`);
    const record = `${sqlIdentifier(source.schema)}.${sqlIdentifier(source.table)}`;
    await db.query(`DROP TABLE IF EXISTS ${record}`).catch(ignoreMissingSchema);
    await dropSchema(db, source.schema, options.print);
  }
}

function ignoreMissingSchema(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'SchemaMissing')) throw error;
}

async function isThere(sql: Sql, name: string): Promise<boolean> {
  const { rows } = await sql.query<{ found: boolean }>(
    'SELECT to_regclass($1) IS NOT NULL AS found',
    [name],
  );
  return rows[0]?.found === true;
}

const liveSql = `
SELECT format('%s/%s (%s)', namespace, name, state) AS import FROM millrace.imports
WHERE state IN ('Planning', 'Loading', 'Verifying') ORDER BY 1 LIMIT 10`;

async function refuseLive(db: Database, at: PostgresPlace): Promise<void> {
  const { rows } = await db.query<{ import: string }>(liveSql);
  if (rows.length === 0) return;
  const names = rows.map((row) => row.import).join(', ');
  throw new CommandFailure(
    exitCode.badInput,
    `${at.label} has imports that have not ended: ${names}. Let them end or delete them; --force drops their ledger all the same`,
  );
}

/** One transaction: a table that cannot be dropped leaves all of them. */
async function dropTables(db: Database, print: (line: string) => void): Promise<void> {
  const lines = await db.transaction(async (tx) => {
    const told: string[] = [];
    const { rows } = await tx.query<{ name: string }>(
      'SELECT target_table AS name FROM millrace.targets ORDER BY target_table',
    );
    for (const { name } of rows) told.push(...(await dropTarget(tx, name)));
    return told;
  });
  for (const line of lines) print(line);
}

async function dropTarget(tx: Session, table: string): Promise<readonly string[]> {
  const lines: string[] = [];
  if (await isThere(tx, sqlIdentifier(table))) {
    const isMade = await isCreatedByMillrace(tx, table);
    if (isMade) await drop(tx, table);
    lines.push(
      isMade ? `dropped table ${table}` : `left table ${table}: Millrace did not create it`,
    );
  }
  const rejects = rejectsTable(table);
  if (await isRejectsTable(tx, rejects)) {
    await drop(tx, rejects);
    lines.push(`dropped table ${rejects}`);
  }
  return lines;
}

async function drop(tx: Session, table: string): Promise<void> {
  try {
    await tx.query(`DROP TABLE ${sqlIdentifier(table)}`);
  } catch (error) {
    if (!(error instanceof Permanent)) throw error;
    const message = `something else depends on the table ${table}, so nothing was dropped; drop that first`;
    throw new CommandFailure(exitCode.badInput, message, { cause: error });
  }
}

/**
 * Created means: exactly the columns that an import loads, and the position, in the table from its
 * beginning. A position that was added later carries a stored default (atthasmissing): adopted.
 */
async function isCreatedByMillrace(tx: Session, table: string): Promise<boolean> {
  const { rows } = await tx.query<{ made: boolean }>(
    `WITH found AS (
      SELECT array_agg(attname::text ORDER BY attname::text) AS names,
        bool_or(attname = $2 AND NOT atthasmissing) AS has_position
      FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped
    )
    SELECT coalesce(has_position, false) AND EXISTS (
      SELECT FROM millrace.imports i WHERE i.target = $3 AND i.columns IS NOT NULL AND names = (
        SELECT array_agg(name ORDER BY name) FROM (
          SELECT c ->> 'name' AS name FROM jsonb_array_elements(i.columns -> 'columns') c
          UNION ALL SELECT $2) wanted)
    ) AS made FROM found`,
    [sqlIdentifier(table), positionColumn, table],
  );
  return rows[0]?.made === true;
}

async function isRejectsTable(tx: Session, table: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `SELECT FROM pg_attribute WHERE attrelid = to_regclass($1)
      AND attname IN ('import', 'record_offset', 'raw', 'reason') HAVING count(*) = 4`,
    [sqlIdentifier(table)],
  );
  return rowCount > 0;
}

/** Without CASCADE: what somebody else put into the schema keeps it. */
async function dropSchema(
  db: Database,
  schema: string,
  print: (line: string) => void,
): Promise<void> {
  try {
    const { rowCount } = await db.query('SELECT FROM pg_namespace WHERE nspname = $1', [schema]);
    if (rowCount === 0) return;
    await db.query(`DROP SCHEMA ${sqlIdentifier(schema)}`);
    print(`dropped schema ${schema}`);
  } catch (error) {
    if (!(error instanceof Permanent)) throw error;
    print(`left schema ${schema}: it holds something that Millrace did not make`);
  }
}
