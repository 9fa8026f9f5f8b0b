/**
 * Wires a reseal, which runs once beside everything else on the configuration of the import's pods. It
 * says what it did, and makes cached rows stale, since they hold envelopes of keys that may now be taken
 * away.
 */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { systemClock } from '@millrace/kit/clock';
import { exitCode } from '@millrace/kit/exit-code';
import { runOnce } from '../../one-shot.ts';
import type { ProcessContext, RoleSource } from '../../runtime.ts';
import { bumpOf } from '../cache.ts';
import { connections } from '../connections.ts';
import { importTelemetry } from '../telemetry.ts';
import { resealTable } from './reseal.ts';

/** One that sees the passes, one that writes. */
const resealConnections = 2;
const commandTimeoutMs = 10_000;

export async function runResealRole(
  config: CsvImportPodConfig,
  { log, metrics, env }: ProcessContext & Pick<RoleSource, 'env'>,
  signal: AbortSignal,
): Promise<number> {
  const open = connections({ config, env, log, role: 'reseal' });
  const telemetry = importTelemetry(log, metrics);
  await using owner = open.ownerDatabase(resealConnections);
  await using redis = open.cacheOfTable(commandTimeoutMs);
  const keys = open.keys();
  return await runOnce({
    terminationLog: config.terminationLog,
    log,
    signal,
    waiting: (failure, waitMs) => telemetry.waiting(failure, waitMs),
    work: async () => {
      const report = await resealTable({ config, owner, keys, clock: systemClock, signal });
      if (redis !== undefined) await bumpOf(config, redis)();
      return report;
    },
    ended: (report) => {
      log.info(report, 'resealed');
      return report.stillInUse.length === 0 ? exitCode.finished : exitCode.tryAgain;
    },
  });
}
