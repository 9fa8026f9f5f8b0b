/** A private database that has the ledger of imports already: migrated once, and cloned. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '@millrace/kit/clock';
import { migrateUp } from '../src/connectors/postgres/migrate.ts';
import { ledgerMigrations } from '../src/csv-import/migrations.ts';
import { given } from './backends.ts';
import { database, type TestDatabase } from './database.ts';

function migrationsHash(): string {
  const hash = createHash('sha256');
  for (const file of readdirSync(ledgerMigrations.dir).toSorted()) {
    hash.update(readFileSync(join(ledgerMigrations.dir, file)));
  }
  return hash.digest('hex').slice(0, 12);
}

export async function importDatabase(): Promise<TestDatabase> {
  return database({
    template: {
      key: `import_${migrationsHash()}`,
      build: async (url) => {
        await migrateUp(
          { url, source: ledgerMigrations, clock: systemClock, deadlineMs: 20_000 },
          { workingUrl: given('postgres').appUrl },
        );
      },
    },
  });
}
