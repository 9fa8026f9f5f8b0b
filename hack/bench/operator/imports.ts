/** The CsvImports that are measured with, and how much of what they need is there. */
import type { HttpKubeApi } from '@millrace/operator/kube/http-api';
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import { claims, csvImports } from '@millrace/operator/kinds/csv-import/resource-types';
import {
  configMaps,
  deployments,
  jobs,
  secrets,
  services,
} from '@millrace/operator/machinery/workload/resource-types';

export const namespace = 'bench';
const namespaces = { apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces' };
const serviceAccounts = { apiVersion: 'v1', kind: 'ServiceAccount', plural: 'serviceaccounts' };
/** ConfigMap, Job, two Deployments and a Service. */
export const childrenEach = 5;
/** Calls in flight: enough to keep one API server busy, few enough not to be throttled by it. */
const concurrency = 16;

export function importName(index: number): string {
  return `import-${String(index).padStart(5, '0')}`;
}

/** The namespace, with the claim and the Secret that every import names. */
export async function createSurroundings(api: HttpKubeApi): Promise<void> {
  await api.create(namespaces, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { namespace: '', name: namespace },
  });
  // Pods are refused without it, and there is no controller here that makes it.
  await api.create(serviceAccounts, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { namespace, name: 'default' },
  });
  await api.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name: 'millrace-backends' },
    stringData: { POSTGRES_URL: 'postgres://bench', RABBITMQ_URL: 'amqp://bench' },
  });
  await api.create(claims, {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { namespace, name: 'data' },
    spec: { accessModes: ['ReadOnlyMany'], resources: { requests: { storage: '1Gi' } } },
  });
}

function csvImport(index: number): KubeObject {
  const name = importName(index);
  return {
    apiVersion: csvImports.apiVersion,
    kind: csvImports.kind,
    metadata: { namespace, name },
    spec: {
      source: { volume: { claimName: 'data', path: `${name}.csv` } },
      target: { table: `rows_${String(index)}`, key: ['id'] },
      serve: { enabled: true },
    },
  };
}

export async function createImports(api: HttpKubeApi, count: number): Promise<void> {
  await inParallel(count, async (index) => {
    await api.create(csvImports, csvImport(index));
  });
}

/** Runs the work for 0 … count-1, a bounded number at once. */
export async function inParallel(
  count: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
}

export interface Census {
  readonly children: number;
  readonly observed: number;
}

/** What a client sees in the cluster, read anew: nothing that the operator says of itself. */
export async function takeCensus(api: HttpKubeApi): Promise<Census> {
  const lists = await Promise.all(
    [configMaps, jobs, deployments, services].map((type) =>
      api.list(type, { namespace, labels: { 'millrace.dev/kind': 'csv-import' } }),
    ),
  );
  const resources = await api.list(csvImports, { namespace });
  return {
    children: lists.reduce((sum, { items }) => sum + items.length, 0),
    observed: resources.items.filter(isObserved).length,
  };
}

function isObserved({ metadata, ...fields }: KubeObject): boolean {
  const status = fields['status'] as { observedGeneration?: number } | undefined;
  return status?.observedGeneration === metadata.generation;
}
