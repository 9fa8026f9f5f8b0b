/** Wires the coordinator: opens connections, reports progress, leaves the final report behind. */
import { hostname } from 'node:os';
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { systemClock } from '@millrace/kit/clock';
import { exitCode } from '@millrace/kit/exit-code';
import { startAdmin } from '@millrace/kit/health';
import { migrateUp } from '../../connectors/postgres/migrate.ts';
import { Publisher } from '../../connectors/rabbitmq/publisher.ts';
import type { RedisStore } from '../../connectors/redis/store.ts';
import { leaveLastWords } from '../../last-words.ts';
import type { ProcessContext, RoleSource } from '../../runtime.ts';
import { databaseScope } from '../cached-row.ts';
import { connections } from '../connections.ts';
import { Coordinator, type CoordinatorOptions, type CoordinatorOutcome } from './coordinator.ts';
import { ledgerMigrations } from '../migrations.ts';
import { createSink } from '../load/sink.ts';
import { importTelemetry } from '../telemetry.ts';
import { cacheUpdate, type WarmWriterOptions } from '../warm/warm-writer.ts';
import { trialIsolation } from '../worker/trial-isolation.ts';

/** One for the advisory lock, one for the watch, one for cutting or loading, one to spare. */
const connectionsMax = 4;
const ownerConnectionsMax = 1;
/** Another process migrates in seconds; beyond a minute something is stuck and the wait is shown. */
const migrateDeadlineMs = 60_000;

/** Stopped is no success, or a Job would count as done, and no failure of the import. */
const exitCodes: Readonly<Record<CoordinatorOutcome, number>> = {
  Complete: exitCode.finished,
  Failed: exitCode.badInput,
  Stopped: exitCode.drained,
};

function caching(
  redis: RedisStore,
  options: Omit<WarmWriterOptions, 'redis'>,
): Pick<CoordinatorOptions, 'pingCache' | 'bump'> {
  const bump = cacheUpdate({ ...options, redis });
  return options.config.cache.mode === 'Off' ? { bump } : { pingCache: () => redis.ping(), bump };
}

export async function runCoordinatorRole(
  config: CsvImportPodConfig,
  { log, metrics, env }: ProcessContext & Pick<RoleSource, 'env'>,
  signal: AbortSignal,
): Promise<number> {
  const open = connections({ config, env, log, role: 'coordinator' });
  await using db = open.database(connectionsMax);
  await using owner = open.ownerDatabase(ownerConnectionsMax);
  await using link = open.link();
  await using redis = open.cacheOfTable(1_000);
  const scope = databaseScope(open.urls.find('POSTGRES_URL') ?? '');
  const coordinator = new Coordinator({
    config,
    source: open.source(),
    db,
    link,
    publisher: await Publisher.open(link),
    sink: createSink({
      config,
      owner,
      keys: open.keys(),
      // Read when it is needed: the Secret may be completed while we wait.
      get workingRole() {
        return decodeURIComponent(new URL(open.urls.need('POSTGRES_URL')).username);
      },
    }),
    migrate: async () => {
      await migrateUp(
        {
          url: open.ownerUrl(),
          caBundle: open.urls.find('CA_BUNDLE'),
          source: ledgerMigrations,
          clock: systemClock,
          deadlineMs: migrateDeadlineMs,
        },
        { workingUrl: open.urls.need('POSTGRES_URL') },
      );
    },
    clock: systemClock,
    telemetry: importTelemetry(log, metrics),
    ...(redis === undefined ? {} : caching(redis, { config, db, databaseScope: scope })),
    name: `${hostname()}/${process.pid}`,
    isolation: trialIsolation({ config, env, signal }),
  });
  await using _admin = await startAdmin({
    ...config.bind.admin,
    metrics,
    readiness: () => ({
      ready: true,
      dependencies: Object.fromEntries(
        coordinator
          .progress()
          .backends.map(({ name, ok, reason }) => [
            name,
            { ok, ...(reason === undefined ? {} : { reason }) },
          ]),
      ),
    }),
    progress: () => Promise.resolve(coordinator.progress()),
  });
  const outcome = await coordinator.run(signal);
  if (outcome !== 'Stopped') {
    await leaveLastWords(config.terminationLog, coordinator.terminationMessage(), log);
  }
  return exitCodes[outcome];
}
