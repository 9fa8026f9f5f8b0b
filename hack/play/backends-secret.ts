/**
 * Which backends the manifests need, and the Secret through which pods are told where they are.
 *
 * A manifest that brings its own Secret keeps it: then nothing is started for it. Otherwise play
 * makes the Secret of the default name from the backends it was given or started.
 */
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import type { BackendName, RunningBackend } from '../backends/backend.ts';
import { secretType } from './controllers/workload.ts';
import { playKindOf } from './kinds/kinds.ts';
import { mapOf, specOf, textOf } from './kinds/play-kind.ts';
import { refused, type Manifest } from './manifests.ts';

export const defaultSecretName = 'millrace-backends';

export interface BackendNeeds {
  readonly names: readonly BackendName[];
  /** Where the default Secret is to be made. */
  readonly namespaces: readonly string[];
}

export function neededBackends(manifests: readonly Manifest[]): BackendNeeds {
  const names = new Set<BackendName>();
  const namespaces = new Set<string>();
  for (const manifest of manifests.filter((one) => one.isResource)) {
    const spec = specOf(manifest.object);
    const { namespace } = manifest.object.metadata;
    const secretName = textOf(mapOf(spec['backends'])['secretName']) || defaultSecretName;
    const isGiven = manifests.some(
      ({ type, object }) =>
        type === secretType &&
        object.metadata.name === secretName &&
        object.metadata.namespace === namespace,
    );
    if (isGiven) continue;
    if (secretName !== defaultSecretName)
      throw refused(
        manifest,
        `${manifest.whereIs('spec.backends.secretName')}: Secret ${secretName} is in none of the manifests; add it, or leave spec.backends out to use the backends play starts.`,
      );
    namespaces.add(namespace);
    for (const name of playKindOf(manifest.object).backends(spec)) names.add(name);
  }
  return { names: [...names], namespaces: [...namespaces] };
}

export function backendsSecret(
  namespace: string,
  backends: ReadonlyMap<BackendName, RunningBackend>,
  env: Readonly<Record<string, string | undefined>>,
): KubeObject {
  const postgres = backends.get('postgres');
  const data = {
    POSTGRES_URL: postgres?.url,
    POSTGRES_OWNER_URL: postgres?.extra.ownerUrl,
    POSTGRES_READ_URL: env['MILLRACE_POSTGRES_READ_URL'],
    RABBITMQ_URL: backends.get('rabbitmq')?.url,
    REDIS_URL: backends.get('redis')?.url,
    ...storeKeys(backends.get('s3')),
    TOKENS: env['MILLRACE_TOKENS'],
    SEALING_KEYS: env['MILLRACE_SEALING_KEYS'],
  };
  const stringData = Object.fromEntries(
    Object.entries(data).filter(([, value]) => value !== undefined && value !== ''),
  );
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: defaultSecretName, namespace },
    stringData,
  };
}

/** What the Secret says of an S3 store. */
export function storeKeys(
  store: RunningBackend | undefined,
): Readonly<Record<string, string | undefined>> {
  const access = store?.extra.s3;
  return {
    S3_ENDPOINT: store?.url,
    S3_REGION: access?.region,
    S3_ACCESS_KEY_ID: access?.accessKeyId,
    S3_SECRET_ACCESS_KEY: access?.secretAccessKey,
  };
}
