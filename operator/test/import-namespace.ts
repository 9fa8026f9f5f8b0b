/** What an import needs in a real namespace, and the example that is in the documentation. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { claims, csvImports } from '../src/kinds/csv-import/resource-types.ts';
import {
  configMaps,
  deployments,
  jobs,
  ownedTypes,
  secrets,
  services,
} from '../src/machinery/workload/resource-types.ts';
import type { KubeApi, KubeObject } from '../src/machinery/kube-api.ts';
import { operatorKinds } from '../src/registry.ts';
import { until } from './operator-process.ts';

const example = fileURLToPath(new URL('../../crds/examples/csv-import.yaml', import.meta.url));

export interface Place {
  readonly api: KubeApi;
  readonly namespace: string;
}

/** The Secret and the claim that the example names. */
export async function prerequisites({ api, namespace }: Place): Promise<void> {
  const url = Buffer.from('amqp://user:not-a-real-password@host/').toString('base64');
  await api.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name: 'millrace-backends' },
    data: { POSTGRES_URL: url, RABBITMQ_URL: url, REDIS_URL: url },
  });
  await api.create(claims, {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { namespace, name: 'data' },
    spec: { accessModes: ['ReadOnlyMany'], resources: { requests: { storage: '1Gi' } } },
  });
}

/** The example under this name. */
export async function importNamed(name: string, { api, namespace }: Place): Promise<void> {
  const resource = parse(await readFile(example, 'utf8')) as KubeObject;
  const target = { ...(resource['spec'] as { target: object }).target, table: name };
  await api.create(csvImports, {
    ...resource,
    metadata: { namespace, name },
    spec: { ...(resource['spec'] as object), target },
  });
}

/** All children of one import, once all are there. */
export async function childrenOf(
  name: string,
  { api, namespace }: Place,
): Promise<readonly KubeObject[]> {
  const wanted = [
    [configMaps, `${name}-config`],
    [jobs, `${name}-coordinator`],
    [deployments, `${name}-worker`],
    [deployments, `${name}-gateway`],
    [services, `${name}-gateway`],
  ] as const;
  return await until(
    async () => {
      const found = await Promise.all(
        wanted.map(([type, child]) => api.get(type, { namespace, name: child })),
      );
      const there = found.filter((child) => child !== undefined);
      return there.length === wanted.length ? there : undefined;
    },
    () => `the children of ${name}`,
  );
}

/** The resource, once `Ready` gives this reason. */
export async function importThatIs(
  { name, reason }: { readonly name: string; readonly reason: string },
  { api, namespace }: Place,
): Promise<KubeObject> {
  return await until(
    async () => {
      const resource = await api.get(csvImports, { namespace, name });
      return readyReason(resource) === reason ? resource : undefined;
    },
    () => `${name} to be ${reason}`,
  );
}

export function readyReason(resource: KubeObject | undefined): string | undefined {
  interface Status {
    readonly conditions?: readonly { readonly type: string; readonly reason: string }[];
  }
  const status = resource?.['status'] as Status | undefined;
  return status?.conditions?.find(({ type }) => type === 'Ready')?.reason;
}

/** `kind/name@version` of everything that the operator writes, once nobody writes any more. */
export async function settledVersions({ api, namespace }: Place): Promise<readonly string[]> {
  const resources = operatorKinds.map(({ preview }) => preview.type);
  const types = [...resources, ...ownedTypes];
  const read = async (): Promise<readonly string[]> => {
    const lists = await Promise.all(types.map((type) => api.list(type, { namespace })));
    return lists.flatMap(({ items }, index) =>
      items.map(
        ({ metadata }) => `${types[index]?.kind}/${metadata.name}@${metadata.resourceVersion}`,
      ),
    );
  };
  let before: readonly string[] = [];
  let quiet = 0;
  return await until(
    async () => {
      const now = await read();
      quiet = String(now) === String(before) ? quiet + 1 : 0;
      before = now;
      return quiet < quietReads ? undefined : now;
    },
    () => `quiet in ${namespace}`,
  );
}

/** Reads fifty milliseconds apart: controllers answer each other faster than that. */
const quietReads = 10;
