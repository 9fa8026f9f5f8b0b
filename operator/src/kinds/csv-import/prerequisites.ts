/**
 * What must exist before a pod may start: the claim with the file, and the Secret with the addresses
 * of the backends. A pod that started without them would hang in ContainerCreating and say nothing;
 * a condition names exactly what is missing instead, and creating it is noticed by a watch.
 */
import type { CsvImportSpec } from '@millrace/crds/csv-import';
import { secretName } from './names.ts';
import type { Observed } from './observed.ts';

export interface Missing {
  readonly reason: 'SecretNotFound' | 'SecretKeyMissing' | 'ClaimNotFound';
  readonly message: string;
  /** What has to come true, and the object that it hangs on, as Kind/name. */
  readonly what: string;
  readonly object: string;
}

export function missingBackends(spec: CsvImportSpec, observed: Observed): Missing | undefined {
  const name = secretName(spec);
  const needed = neededKeys(spec);
  const keys = observed.secretKeys(name);
  const object = `Secret/${name}`;
  if (keys === undefined) {
    return {
      reason: 'SecretNotFound',
      message: `Secret ${name} does not exist. Create it with the keys ${needed.join(', ')}; nothing starts before.`,
      what: `Secret ${name} with the keys ${needed.join(', ')}`,
      object,
    };
  }
  const absent = needed.filter((key) => !keys.includes(key));
  if (absent.length === 0) return undefined;
  return {
    reason: 'SecretKeyMissing',
    message: `Secret ${name} lacks ${absent.join(', ')}. Add what is missing; nothing new starts before.`,
    what: `Secret ${name} with the keys ${absent.join(', ')} too`,
    object,
  };
}

export function missingClaim(spec: CsvImportSpec, observed: Observed): Missing | undefined {
  const name = spec.source.volume?.claimName ?? '';
  if (observed.hasClaim(name)) return undefined;
  return {
    reason: 'ClaimNotFound',
    message: `PersistentVolumeClaim ${name} does not exist. Create it or correct spec.source.volume.claimName in a new CsvImport.`,
    what: `PersistentVolumeClaim ${name}`,
    object: `PersistentVolumeClaim/${name}`,
  };
}

export function neededKeys({ cache }: CsvImportSpec): readonly string[] {
  const always = ['POSTGRES_URL', 'RABBITMQ_URL'];
  return (cache?.mode ?? 'Off') === 'Off' ? always : [...always, 'REDIS_URL'];
}
