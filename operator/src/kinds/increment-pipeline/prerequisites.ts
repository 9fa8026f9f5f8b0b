/** What must exist before a pod may start: the Secret with the addresses of the backends. Pure. */
import type { IncrementPipelineSpec } from '@millrace/crds/increment-pipeline';
import { secretName } from '../../machinery/workload/names.ts';
import { missingSecret, type SecretMissing } from '../../machinery/workload/secrets.ts';
import type { Observed } from './observed.ts';

export function missingBackends(
  spec: IncrementPipelineSpec,
  { secretKeys }: Pick<Observed, 'secretKeys'>,
): SecretMissing | undefined {
  const name = secretName(spec);
  return missingSecret({ name, needed: neededKeys(spec), keys: secretKeys(name) });
}

export function neededKeys({ gateway }: IncrementPipelineSpec): readonly string[] {
  const always = ['POSTGRES_URL', 'REDIS_URL'];
  return gateway?.auth?.mode === 'Tokens' ? [...always, 'TOKENS'] : always;
}
