/**
 * Wires a reseal, which runs once beside everything else: on the configuration of the import's pods, as
 * a Job or from `millrace reseal`. It leaves what it did as one line of JSON in the termination message,
 * and makes cached rows stale, since they hold envelopes of keys that may now be taken away.
 */
import { writeFile } from 'node:fs/promises';
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { systemClock } from '@millrace/kit/clock';
import { exitCode } from '@millrace/kit/exit-code';
import { retryTransient } from '@millrace/kit/retry';
import type { ProcessContext, RoleSource } from '../../runtime.ts';
import { bumpGeneration } from '../cache.ts';
import { connections } from '../connections.ts';
import { importTelemetry } from '../telemetry.ts';
import { resealTable } from './reseal.ts';

/** One that sees the passes, one that writes. */
export const resealConnections = 2;
const commandTimeoutMs = 10_000;

export async function runResealRole(
  config: CsvImportPodConfig,
  { log, metrics, env }: ProcessContext & Pick<RoleSource, 'env'>,
  signal: AbortSignal,
): Promise<number> {
  const open = connections({ config, env, log, role: 'reseal' });
  const telemetry = importTelemetry(log, metrics);
  await using owner = open.ownerDatabase(resealConnections);
  await using redis = open.redis(commandTimeoutMs);
  const options = { config, owner, keys: open.keys(), clock: systemClock, signal };
  const report = await retryTransient(() => resealTable(options), {
    clock: systemClock,
    signal,
    onWait: (failure, _failures, waitMs) => telemetry.waiting(failure, waitMs),
  });
  if (redis !== undefined) await bumpGeneration(redis, config.target.table);
  log.info(report, 'resealed');
  await writeFile(config.terminationLog, `${JSON.stringify(report)}\n`).catch((error: unknown) =>
    log.warn({ err: error }, 'termination message could not be written'),
  );
  return report.stillInUse.length === 0 ? exitCode.finished : exitCode.tryAgain;
}
