/** Wires a worker: its connections, its loop, and what its admin port says. */
import { hostname } from 'node:os';
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { systemClock } from '@millrace/kit/clock';
import { exitCode } from '@millrace/kit/exit-code';
import type { Failure } from '@millrace/kit/failure';
import { startAdmin } from '@millrace/kit/health';
import type { ProcessContext, RoleSource } from '../../runtime.ts';
import { databaseScope as scopeOf } from '../cached-row.ts';
import { connections } from '../connections.ts';
import { createSink } from '../load/sink.ts';
import { importTelemetry } from '../telemetry.ts';
import { Pace } from './pace.ts';
import { trialIsolation } from './trial-isolation.ts';
import { runWorker } from './worker.ts';
import { cacheUpdate } from '../warm/warm-writer.ts';
import { workerConnectionsMax } from '../coordinator/workers-wanted.ts';

export async function runWorkerRole(
  config: CsvImportPodConfig,
  { log, metrics, env }: ProcessContext & Pick<RoleSource, 'env'>,
  signal: AbortSignal,
): Promise<number> {
  const open = connections({ config, env, log, role: 'worker' });
  await using db = open.database(workerConnectionsMax);
  await using link = open.link();
  await using redis = open.cacheOfTable(1_000);
  const databaseScope = scopeOf(open.urls.find('POSTGRES_URL') ?? '');
  let failure: Failure | undefined;
  await using _admin = await startAdmin({
    ...config.bind.admin,
    metrics,
    // A worker that waits for a backend is still ready: it takes work the moment it can.
    readiness: () => ({
      ready: true,
      dependencies:
        failure === undefined
          ? {}
          : { [failure.backend ?? 'import']: { ok: false, reason: failure.code } },
    }),
  });
  await runWorker(
    {
      config,
      db,
      link,
      sink: createSink({ config, keys: open.keys() }),
      source: open.source(),
      bump: redis === undefined ? undefined : cacheUpdate({ config, db, redis, databaseScope }),
      clock: systemClock,
      telemetry: importTelemetry(log, metrics),
      name: `${hostname()}/${process.pid}`,
      pace: new Pace(),
      isolation: trialIsolation({ config, env, signal }),
      observed: (observed) => {
        failure = observed;
      },
    },
    signal,
  );
  return exitCode.finished;
}
