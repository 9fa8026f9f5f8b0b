/**
 * Opens what a role needs from the backends Secret. Everything reads its URL again when it must
 * reconnect, so a rotated Secret needs no restart.
 */
import type { IncrementPipelinePodConfig } from '@millrace/crds/increment-pipeline';
import type { Log } from '@millrace/kit/log';
import { backendUrls, type BackendUrls } from '../connectors/backend-urls.ts';
import { postgresRoles, type PostgresRoles } from '../connectors/postgres/two-roles.ts';

export interface Connections extends PostgresRoles {
  readonly urls: BackendUrls;
  /** What a link to Redis is opened with, beside its time limit. */
  readonly redis: RedisAddress;
}

export interface RedisAddress {
  url(): string;
  caBundle(): string | undefined;
  readonly log: Log;
}

export interface ConnectionSource {
  readonly config: IncrementPipelinePodConfig;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly role: string;
}

export function connections({ config, env, log, role }: ConnectionSource): Connections {
  const urls = backendUrls(config.backendsDir, env);
  const applicationName = `millrace-${role}-${config.resource.name}`.slice(0, 63);
  return {
    ...postgresRoles({ urls, applicationName, log }),
    urls,
    redis: {
      url: () => urls.need('REDIS_URL'),
      caBundle: () => urls.find('CA_BUNDLE'),
      log,
    },
  };
}

/** As the working role; the tables are granted to it by whoever prepares the pipeline. */
export function workingRole(urls: BackendUrls): string | undefined {
  const url = URL.parse(urls.find('POSTGRES_URL') ?? '');
  return url === null || url.username === '' ? undefined : decodeURIComponent(url.username);
}
