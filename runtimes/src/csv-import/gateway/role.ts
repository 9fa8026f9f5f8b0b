/** Wires the gateway: its connections and both of its ports. */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { systemClock } from '@millrace/kit/clock';
import { exitCode } from '@millrace/kit/exit-code';
import { startAdmin } from '@millrace/kit/health';
import type { ProcessContext, RoleSource } from '../../runtime.ts';
import { databaseScope } from '../cached-row.ts';
import { connections } from '../connections.ts';
import { gatewayCommandTimeoutMs, gatewayConnectionsMax, startGateway } from './gateway.ts';

export async function runGatewayRole(
  config: CsvImportPodConfig,
  { log, metrics, env }: ProcessContext & Pick<RoleSource, 'env'>,
  signal: AbortSignal,
): Promise<number> {
  const open = connections({ config, env, log, role: 'gateway' });
  await using database = open.database(gatewayConnectionsMax);
  const isRedisNeeded = config.cache.mode !== 'Off' || config.serve.rateLimit !== undefined;
  await using redis = open.redis(gatewayCommandTimeoutMs, isRedisNeeded);
  await using gateway = await startGateway({
    config,
    log,
    metrics,
    clock: systemClock,
    database,
    redis,
    databaseScope: databaseScope(open.urls.find('POSTGRES_URL') ?? ''),
    tokens: () => open.urls.find('TOKENS'),
    keys: open.keys(),
  });
  await using _admin = await startAdmin({
    ...config.bind.admin,
    metrics,
    readiness: () => gateway.readiness(),
  });
  await gateway.run(signal);
  return exitCode.finished;
}
