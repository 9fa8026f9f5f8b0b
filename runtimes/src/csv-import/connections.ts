/**
 * Opens what a role needs from the backends Secret. Everything reads its URL again when it must
 * reconnect, so a rotated Secret needs no restart.
 */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { systemClock } from '@millrace/kit/clock';
import type { Log } from '@millrace/kit/log';
import { backendUrls, type BackendUrls } from '../connectors/backend-urls.ts';
import { postgresRoles, type PostgresRoles } from '../connectors/postgres/two-roles.ts';
import { AmqpLink } from '../connectors/rabbitmq/link.ts';
import { openRedis, type RedisStore } from '../connectors/redis/store.ts';
import { keyRingReader, type KeyRingReader } from '../sealing/key-ring.ts';
import { openSource } from './source/open-source.ts';
import type { Source } from './source/source.ts';

export interface Connections extends PostgresRoles {
  readonly urls: BackendUrls;
  /** The ring of SEALING_KEYS, as the Secret has it now. */
  keys(): KeyRingReader;
  link(): AmqpLink;
  source(): Source;
  /** Undefined where it is not needed; by default that is with cache mode Off. */
  redis(commandTimeoutMs: number, isNeeded?: boolean): RedisStore | undefined;
  /** Where rows of the table may be cached: by this import, or by others in the same Redis. */
  cacheOfTable(commandTimeoutMs: number): RedisStore | undefined;
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
  const name = applicationName(role, config.import.name);
  const isCaching = config.cache.mode !== 'Off';
  const redis: Connections['redis'] = (commandTimeoutMs, isNeeded = isCaching) =>
    isNeeded
      ? openRedis({ url: () => urls.need('REDIS_URL'), caBundle, commandTimeoutMs, log })
      : undefined;
  return {
    ...postgresRoles({ urls, applicationName: name, log }),
    urls,
    keys: () => keyRingReader({ read: () => urls.find('SEALING_KEYS'), clock: systemClock }),
    link: () =>
      new AmqpLink({
        url: () => urls.need('RABBITMQ_URL'),
        caBundle,
        name,
        clock: systemClock,
        log,
      }),
    source: () => openSource(config.source, { urls, clock: systemClock }),
    redis,
    cacheOfTable: (commandTimeoutMs) =>
      redis(commandTimeoutMs, isCaching || urls.find('REDIS_URL') !== undefined),
  };
}

/** How sessions and connections of a role are called; Postgres cuts longer names. */
export function applicationName(role: string, importName: string): string {
  return `millrace-${role}-${importName}`.slice(0, 63);
}
