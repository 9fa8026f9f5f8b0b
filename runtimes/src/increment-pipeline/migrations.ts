/** Where the ledger's migrations are, and what remembers which were applied. */
import type { MigrationSource } from '../connectors/postgres/migrate.ts';
import { migrationFolder } from '../connectors/postgres/migration-folder.ts';

export const ledgerMigrations: MigrationSource = {
  dir: migrationFolder('increment-pipeline'),
  schema: 'millrace',
  table: 'migrations_increment_pipeline',
};
