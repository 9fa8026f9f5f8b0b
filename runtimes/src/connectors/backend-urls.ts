/**
 * Connection URLs from the mounted backends Secret, a file a key, read at each use so that a rotated
 * Secret needs no restart. A variable of the same name is the fallback for runs without a mount.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Transient } from '@millrace/kit/transient';

export type BackendKey =
  | 'POSTGRES_URL'
  | 'POSTGRES_OWNER_URL'
  | 'RABBITMQ_URL'
  | 'REDIS_URL'
  | 'S3_ENDPOINT'
  | 'S3_REGION'
  | 'S3_ACCESS_KEY_ID'
  | 'S3_SECRET_ACCESS_KEY'
  | 'TOKENS'
  | 'SEALING_KEYS'
  | 'CA_BUNDLE';

export interface BackendUrls {
  /** Throws a Transient that names the key while the Secret lacks it. */
  need(key: BackendKey): string;
  find(key: BackendKey): string | undefined;
}

export function backendUrls(
  dir: string,
  env: Readonly<Record<string, string | undefined>>,
): BackendUrls {
  const find = (key: BackendKey): string | undefined => {
    const text = readKey(join(dir, key)) ?? env[key];
    return text === undefined || text.trim() === '' ? undefined : text.trim();
  };
  return {
    find,
    need: (key) => {
      const value = find(key);
      if (value === undefined) {
        throw new Transient(
          'SecretIncomplete',
          `The backends Secret lacks the key ${key}; add it.`,
          {
            backend: key.split('_')[0]?.toLowerCase() ?? key,
          },
        );
      }
      return value;
    },
  };
}

function readKey(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
