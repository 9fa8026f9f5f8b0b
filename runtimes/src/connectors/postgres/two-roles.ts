/**
 * Opens Postgres as the two roles that a runtime has: the working role, and the owner of the tables,
 * who may be the same. URLs are read again at each reconnection, so a rotated Secret needs no restart.
 */
import type { Log } from '@millrace/kit/log';
import type { BackendUrls } from '../backend-urls.ts';
import { openDatabase, type Database } from './database.ts';

export interface PostgresRoles {
  /** As the working role. */
  database(max: number): Database;
  /** As the owner of the tables, which may be the same role. */
  ownerDatabase(max: number): Database;
  ownerUrl(): string;
}

export interface PostgresRolesOptions {
  readonly urls: BackendUrls;
  /** Of the process, as the server lists it. */
  readonly applicationName: string;
  readonly log: Log;
}

export function postgresRoles({ urls, applicationName, log }: PostgresRolesOptions): PostgresRoles {
  const ownerUrl = (): string => urls.find('POSTGRES_OWNER_URL') ?? urls.need('POSTGRES_URL');
  const caBundle = (): string | undefined => urls.find('CA_BUNDLE');
  const open = (url: () => string, max: number): Database =>
    openDatabase({ url, caBundle, applicationName, max, log });
  return {
    ownerUrl,
    database: (max) => open(() => urls.need('POSTGRES_URL'), max),
    ownerDatabase: (max) => open(ownerUrl, max),
  };
}
