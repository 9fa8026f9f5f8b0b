/**
 * The gateway as a process: opens what it reads from, serves the admin port, runs until told to stop.
 *
 * Nothing here waits for a backend: connectors connect by themselves, and until they have, requests
 * are answered with 503 and readiness says why.
 */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import type { Clock } from '@millrace/kit/clock';
import { startAdmin } from '@millrace/kit/health';
import { openDatabase } from '../connectors/postgres/database.ts';
import { openRedis } from '../connectors/redis/store.ts';
import type { ProcessContext } from '../runtime.ts';
import type { BackendUrls } from './backends.ts';
import {
  databaseScope,
  gatewayCommandTimeoutMs,
  gatewayConnectionsMax,
  startGateway,
} from './gateway.ts';

export interface GatewayRoleOptions extends ProcessContext {
  readonly config: CsvImportPodConfig;
  readonly urls: BackendUrls;
  readonly clock: Clock;
}

export async function runGateway(options: GatewayRoleOptions, signal: AbortSignal): Promise<void> {
  const { config, urls, clock, log, metrics } = options;
  const caBundle = (): string | undefined => urls.find('CA_BUNDLE');
  await using database = openDatabase({
    url: () => urls.need('POSTGRES_URL'),
    caBundle,
    applicationName: `millrace gateway ${config.import.name}`,
    max: gatewayConnectionsMax,
    log,
  });
  await using redis =
    config.cache.mode === 'Off'
      ? undefined
      : openRedis({
          url: () => urls.need('REDIS_URL'),
          caBundle,
          commandTimeoutMs: gatewayCommandTimeoutMs,
          log,
          clock,
        });
  await using gateway = await startGateway({
    config,
    log,
    metrics,
    clock,
    database,
    redis,
    databaseScope: databaseScope(urls.find('POSTGRES_URL') ?? ''),
  });
  await using _admin = await startAdmin({
    ...config.bind.admin,
    metrics,
    readiness: () => gateway.readiness(),
  });
  await gateway.run(signal);
}
