/** Wires the janitor, a Job that runs once at deletion: cleans up, and says what it did. */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { systemClock } from '@millrace/kit/clock';
import { exitCode } from '@millrace/kit/exit-code';
import { migrateUp } from '../../connectors/postgres/migrate.ts';
import { runOnce } from '../../one-shot.ts';
import type { ProcessContext, RoleSource } from '../../runtime.ts';
import { bumpOf } from '../cache.ts';
import { connections } from '../connections.ts';
import { ledgerMigrations } from '../migrations.ts';
import { importTelemetry } from '../telemetry.ts';
import { cleanUp } from './janitor.ts';

const connectionsMax = 1;
const commandTimeoutMs = 10_000;
/** A Job tries again by itself: only short outages are waited out here. */
const patienceMs = 30_000;

export async function runJanitorRole(
  config: CsvImportPodConfig,
  { log, metrics, env }: ProcessContext & Pick<RoleSource, 'env'>,
  signal: AbortSignal,
): Promise<number> {
  const open = connections({ config, env, log, role: 'janitor' });
  const telemetry = importTelemetry(log, metrics);
  await using owner = open.ownerDatabase(connectionsMax);
  await using link = open.link();
  await using redis = open.cacheOfTable(commandTimeoutMs);
  const migrate = async (): Promise<void> => {
    await migrateUp(
      {
        url: open.ownerUrl(),
        caBundle: open.urls.find('CA_BUNDLE'),
        source: ledgerMigrations,
        clock: systemClock,
        deadlineMs: patienceMs,
      },
      { workingUrl: open.urls.need('POSTGRES_URL') },
    );
  };
  const bump = redis === undefined ? {} : { bumpCache: bumpOf(config, redis) };
  return await runOnce({
    terminationLog: config.terminationLog,
    log,
    signal,
    patienceMs,
    waiting: (failure, waitMs) => telemetry.waiting(failure, waitMs),
    work: () => cleanUp({ config, owner, link, migrate, ...bump }),
    ended: ({ kept }) => {
      if (kept !== undefined) {
        log.warn(
          { table: config.target.table, kept },
          'rows stay: the ledger does not say that Millrace made this table',
        );
      }
      return exitCode.finished;
    },
  });
}
