/** Wires a worker: its connections, its loop, and what its admin port says. */
import { hostname } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { systemClock } from '@millrace/kit/clock';
import { exitCode } from '@millrace/kit/exit-code';
import type { Failure } from '@millrace/kit/failure';
import { startAdmin } from '@millrace/kit/health';
import type { ProcessContext, RoleSource } from '../../runtime.ts';
import { bumpGeneration } from '../cache.ts';
import { connections } from '../connections.ts';
import { createSink } from '../load/sink.ts';
import { importTelemetry } from '../telemetry.ts';
import { chunkTimeoutMs } from './chunk-work.ts';
import { trialProcess } from './trial-process.ts';
import { runWorker } from './worker.ts';
import { workerConnectionsMax } from '../coordinator/workers-wanted.ts';

/** A trial starts a process, connects and may wait for a claim, on a host with much else to do. */
const trialPatience = 4;

export async function runWorkerRole(
  config: CsvImportPodConfig,
  { log, metrics, env }: ProcessContext & Pick<RoleSource, 'env'>,
  signal: AbortSignal,
): Promise<number> {
  const open = connections({ config, env, log, role: 'worker' });
  await using db = open.database(workerConnectionsMax);
  await using link = open.link();
  await using redis = open.redis(1_000);
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
      bump: redis === undefined ? undefined : () => bumpGeneration(redis, config.target.table),
      clock: systemClock,
      telemetry: importTelemetry(log, metrics),
      name: `${hostname()}/${process.pid}`,
      isolation: {
        signal,
        runTrial: trialProcess({
          entry: [process.argv[1] ?? '', 'csv-import', 'trial'],
          execArgv: process.execArgv,
          env,
          heapMb: Math.ceil(getHeapStatistics().heap_size_limit / 1_048_576),
          processorMsMax: chunkTimeoutMs(config.chunkBytes),
          deadlineMs: trialPatience * chunkTimeoutMs(config.chunkBytes),
        }),
      },
      observed: (observed) => {
        failure = observed;
      },
    },
    signal,
  );
  return exitCode.finished;
}
