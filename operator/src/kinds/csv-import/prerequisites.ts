/**
 * What must exist before a pod may start: the claim with the file, if it is on a volume, and the
 * Secret with the addresses of the backends and of the store that holds the object. A condition
 * names exactly what is missing, and creating it is noticed by a watch.
 */
import type { CsvImportSpec } from '@millrace/crds/csv-import';
import { secretName } from '../../machinery/workload/names.ts';
import { missingSecret, type SecretMissing } from '../../machinery/workload/secrets.ts';
import { claimTrouble, type ClaimTrouble } from './claim.ts';
import type { Observed } from './observed.ts';

export function missingBackends(
  spec: CsvImportSpec,
  { secretKeys }: Pick<Observed, 'secretKeys'>,
): SecretMissing | undefined {
  const name = secretName(spec);
  return missingSecret({ name, needed: neededKeys(spec), keys: secretKeys(name) });
}

export function missingClaim(
  spec: CsvImportSpec,
  { claim }: Pick<Observed, 'claim'>,
): ClaimTrouble | undefined {
  return claimTrouble(spec, claim);
}

const s3Keys = ['S3_ENDPOINT', 'S3_REGION', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'] as const;

export function neededKeys({ source, cache, columns, serve }: CsvImportSpec): readonly string[] {
  const isRedisNeeded = (cache?.mode ?? 'Off') !== 'Off' || serve?.rateLimit !== undefined;
  return [
    'POSTGRES_URL',
    'RABBITMQ_URL',
    ...(isRedisNeeded ? ['REDIS_URL'] : []),
    ...(source.s3 === undefined ? [] : s3Keys),
    ...(serve?.auth?.mode === 'Tokens' ? ['TOKENS'] : []),
    ...(columns?.some(({ sealed }) => sealed === true) === true ? ['SEALING_KEYS'] : []),
  ];
}
