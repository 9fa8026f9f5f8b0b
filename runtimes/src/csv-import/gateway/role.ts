/** Wires the gateway: its connections and both of its ports. */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { systemClock } from '@millrace/kit/clock';
import { exitCode } from '@millrace/kit/exit-code';
import { startAdmin } from '@millrace/kit/health';
import type { ProcessContext, RoleSource } from '../../runtime.ts';
import { databaseScope } from '../cached-row.ts';
import { boundedReads } from '../../http/bounded-reads.ts';
import { connections } from '../connections.ts';
import { createSink } from '../load/sink.ts';
import { gatewayCommandTimeoutMs, gatewayConnectionsMax, startGateway } from './gateway.ts';
import { gatewayReport } from './report.ts';

/** For the report alone: longer than this, whoever asks does not wait either. */
const reportReads = { clock: systemClock, readsMax: 2, deadlineMs: 3_000 };

export async function runGatewayRole(
  config: CsvImportPodConfig,
  { log, metrics, env }: ProcessContext & Pick<RoleSource, 'env'>,
  signal: AbortSignal,
): Promise<number> {
  const open = connections({ config, env, log, role: 'gateway' });
  await using database = open.database(gatewayConnectionsMax);
  const isRedisNeeded = config.cache.mode !== 'Off' || config.serve.rateLimit !== undefined;
  await using redis = open.redis(gatewayCommandTimeoutMs, isRedisNeeded);
  const keys = open.keys();
  await using gateway = await startGateway({
    config,
    log,
    metrics,
    clock: systemClock,
    database,
    redis,
    databaseScope: databaseScope(open.urls.find('POSTGRES_URL') ?? ''),
    tokens: () => open.urls.find('TOKENS'),
    keys,
  });
  await using _admin = await startAdmin({
    ...config.bind.admin,
    metrics,
    readiness: () => gateway.readiness(),
    progress: gatewayReport({
      config,
      reads: boundedReads({ database, ...reportReads }),
      sink: createSink({ config, keys }),
      readiness: () => gateway.readiness(),
      clock: systemClock,
    }),
  });
  await gateway.run(signal);
  return exitCode.finished;
}
