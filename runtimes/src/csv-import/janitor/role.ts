/**
 * Wires the janitor, a Job that runs once at deletion: cleans up, and leaves what it did as one line of
 * JSON in the termination message. While a backend is away it tries again for as long as its grace, and
 * then ends with a code that asks for another try.
 */
import { writeFile } from 'node:fs/promises';
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { systemClock } from '@millrace/kit/clock';
import { exitCode } from '@millrace/kit/exit-code';
import { Permanent } from '@millrace/kit/permanent';
import { retryTransient } from '@millrace/kit/retry';
import { Transient } from '@millrace/kit/transient';
import { migrateUp } from '../../connectors/postgres/migrate.ts';
import type { ProcessContext, RoleSource } from '../../runtime.ts';
import { bumpGeneration } from '../cache.ts';
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
  await using redis = open.redis(commandTimeoutMs);
  const lastWords = async (words: object): Promise<void> => {
    await writeFile(config.terminationLog, `${JSON.stringify(words)}\n`).catch((error: unknown) =>
      log.warn({ err: error }, 'termination message could not be written'),
    );
  };
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
  const bump =
    redis === undefined ? {} : { bumpCache: () => bumpGeneration(redis, config.target.table) };
  try {
    const report = await retryTransient(() => cleanUp({ config, owner, link, migrate, ...bump }), {
      clock: systemClock,
      signal: AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]),
      onWait: (failure, _failures, waitMs) => telemetry.waiting(failure, waitMs),
    });
    if (report.kept !== undefined) {
      log.warn(
        { table: config.target.table, kept: report.kept },
        'rows stay: the ledger does not say that Millrace made this table',
      );
    }
    await lastWords(report);
    return exitCode.finished;
  } catch (error) {
    if (error instanceof Permanent) {
      await lastWords({ outcome: 'Refused', reason: error.code, message: error.message });
      return exitCode.badInput;
    }
    if (!(error instanceof Transient)) throw error;
    await lastWords({ outcome: 'Waiting', reason: error.code, message: error.message });
    return exitCode.tryAgain;
  }
}
