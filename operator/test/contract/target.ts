/** What every contract test needs: an API, a namespace of its own, and objects to put there. */
import type { KubeApi, KubeObject, ObjectRef, ResourceType } from '../../src/machinery/kube-api.ts';

export interface ContractTarget {
  readonly api: KubeApi;
  /** Holds nothing at the start of a test but what a real server puts there. CsvImport is installed. */
  readonly namespace: string;
  /** A version of ConfigMaps that watches cannot begin from any more. */
  readonly tooOld: () => Promise<string>;
}
export type MakeTarget = () => Promise<ContractTarget>;

export const configMaps = { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps' };
export const deployments = { apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments' };
export const jobs = { apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs' };
export const autoscalers = {
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
};
export const leases = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', plural: 'leases' };
export const csvImports = {
  apiVersion: 'millrace.dev/v1alpha1',
  kind: 'CsvImport',
  plural: 'csvimports',
};

/** The name of every object a test makes, unless it makes several. */
export const name = 'subject';

export function object(
  type: ResourceType,
  ref: ObjectRef,
  fields: Readonly<Record<string, unknown>> & { readonly metadata?: object },
): KubeObject {
  const { apiVersion, kind } = type;
  return { apiVersion, kind, ...fields, metadata: { ...fields.metadata, ...refOf(ref) } };
}

export function configMap(
  namespace: string,
  data: Readonly<Record<string, string>>,
  metadata = {},
) {
  // An empty map is not stored, and whoever applied it would own what is not there.
  const fields = Object.keys(data).length === 0 ? { metadata } : { data, metadata };
  return object(configMaps, { namespace, name }, fields);
}

export function deployment(namespace: string, spec: object = {}): KubeObject {
  const template = {
    metadata: { labels: { app: name } },
    spec: { containers: [{ name: 'main', image: 'registry.example/main:1' }] },
  };
  const selector = { matchLabels: { app: name } };
  return object(deployments, { namespace, name }, { spec: { selector, template, ...spec } });
}

export function job(namespace: string, spec: object = {}): KubeObject {
  const template = {
    spec: {
      restartPolicy: 'Never',
      containers: [{ name: 'main', image: 'registry.example/main:1' }],
    },
  };
  // Suspended, so that no controller of a real cluster starts anything.
  return object(jobs, { namespace, name }, { spec: { suspend: true, template, ...spec } });
}

export function csvImport(namespace: string, spec: object = {}): KubeObject {
  const source = { volume: { claimName: 'data', path: 'users.csv' } };
  const fields = { spec: { source, target: { table: 'users' }, ...spec } };
  return object(csvImports, { namespace, name }, fields);
}

/** As a cache keeps it: a list and a watch may leave out who owns which field. */
export function trimmed(given: KubeObject): KubeObject {
  const { managedFields: _owners, ...metadata } = given.metadata as unknown as ManagedMeta;
  return { ...given, metadata };
}

type ManagedMeta = KubeObject['metadata'] & { readonly managedFields?: unknown };

export function refOf({ namespace, name: own }: ObjectRef): ObjectRef {
  return { namespace, name: own };
}
