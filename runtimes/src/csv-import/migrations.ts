/** Where the ledger's migrations are, and what remembers which were applied. */
import type { MigrationSource } from '../connectors/postgres/migrate.ts';
import { migrationFolder } from '../connectors/postgres/migration-folder.ts';

export const ledgerMigrations: MigrationSource = {
  dir: migrationFolder('csv-import'),
  schema: 'millrace',
  table: 'migrations_csv_import',
};
