/** Which import of the ledger a name of the command line means. */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { exitCode } from '@millrace/kit/exit-code';
import type { Database } from '@millrace/runtimes/connectors/postgres/database';
import { CommandFailure } from './ending.ts';
import { importName, type ImportSource } from './import-source.ts';

/** With the uid that the state of play has for it, else that of the import which ran last. */
export async function ledgerConfig(
  db: Database,
  source: ImportSource,
): Promise<CsvImportPodConfig> {
  const { config } = source;
  await checkLedger(db, source);
  const uid = source.uid ?? (await newestUid(db, source));
  return { ...config, import: { ...config.import, uid } };
}

export function notLoaded({ ref }: ImportSource): CommandFailure {
  return new CommandFailure(
    exitCode.badInput,
    `the ledger has nothing that ${importName(ref)} loaded: it has not run yet, or the database was cleared. Run it first`,
  );
}

/** Without a ledger nothing was ever loaded; the connector would call that a backend that is away. */
async function checkLedger(db: Database, source: ImportSource): Promise<void> {
  const { rows } = await db.query<{ found: boolean }>(
    `SELECT to_regclass('millrace.imports') IS NOT NULL AS found`,
  );
  if (rows[0]?.found !== true) throw notLoaded(source);
}

const newestSql = `
SELECT uid FROM millrace.imports WHERE namespace = $1 AND name = $2
ORDER BY created_at DESC, seq DESC NULLS LAST LIMIT 1`;
const namesSql = `
SELECT DISTINCT namespace, name FROM millrace.imports ORDER BY namespace, name LIMIT 20`;

/** A manifest has no uid; the import of that name that ran last is meant. */
async function newestUid(db: Database, { ref }: Pick<ImportSource, 'ref'>): Promise<string> {
  const { rows } = await db.query<{ uid: string }>(newestSql, [ref.namespace, ref.name]);
  const [newest] = rows;
  if (newest !== undefined) return newest.uid;
  const { rows: names } = await db.query<{ namespace: string; name: string }>(namesSql);
  const others = names.length === 0 ? 'none' : names.map(importName).join(', ');
  throw new CommandFailure(
    exitCode.badInput,
    `the ledger knows no import ${importName(ref)}; it has ${others}`,
  );
}
