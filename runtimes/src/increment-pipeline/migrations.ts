/** Where the ledger's migrations are, and what remembers which were applied. */
import { fileURLToPath } from 'node:url';
import type { MigrationSource } from '../connectors/postgres/migrate.ts';

export const ledgerMigrations: MigrationSource = {
  dir: fileURLToPath(new URL('../../../migrations/increment-pipeline/', import.meta.url)),
  schema: 'millrace',
  table: 'migrations_increment_pipeline',
};
