/**
 * Opens what a role needs from the backends Secret. Everything reads its URL again when it must
 * reconnect, so a rotated Secret needs no restart.
 */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { systemClock } from '@millrace/kit/clock';
import type { Log } from '@millrace/kit/log';
import { openDatabase, type Database } from '../connectors/postgres/database.ts';
import { AmqpLink } from '../connectors/rabbitmq/link.ts';
import { openRedis, type RedisStore } from '../connectors/redis/store.ts';
import { backendUrls, type BackendUrls } from './backends.ts';

export interface Connections {
  readonly urls: BackendUrls;
  /** As the working role. */
  database(max: number): Database;
  /** As the owner of the tables, which may be the same role. */
  ownerDatabase(max: number): Database;
  link(): AmqpLink;
  /** Undefined with cache mode Off. */
  redis(commandTimeoutMs: number): RedisStore | undefined;
  ownerUrl(): string;
}

export interface ConnectionSource {
  readonly config: CsvImportPodConfig;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly role: string;
}

export function connections(source: ConnectionSource): Connections {
  const { config, env, log, role } = source;
  const urls = backendUrls(config.backendsDir, env);
  const caBundle = (): string | undefined => urls.find('CA_BUNDLE');
  const name = `millrace-${role}-${config.import.name}`.slice(0, 63);
  const ownerUrl = (): string => urls.find('POSTGRES_OWNER_URL') ?? urls.need('POSTGRES_URL');
  const open = (url: () => string, max: number): Database =>
    openDatabase({ url, caBundle, applicationName: name, max, log });
  return {
    urls,
    ownerUrl,
    database: (max) => open(() => urls.need('POSTGRES_URL'), max),
    ownerDatabase: (max) => open(ownerUrl, max),
    link: () =>
      new AmqpLink({
        url: () => urls.need('RABBITMQ_URL'),
        caBundle,
        name,
        clock: systemClock,
        log,
      }),
    redis: (commandTimeoutMs) =>
      config.cache.mode === 'Off'
        ? undefined
        : openRedis({ url: () => urls.need('REDIS_URL'), caBundle, commandTimeoutMs, log }),
  };
}
