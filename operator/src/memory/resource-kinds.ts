/**
 * The resources this API serves: the built-in ones that operators and `play` use, and the custom
 * ones installed with it. Anything else is NotFound, so that a wrong plural fails at once.
 */
import type { CustomResourceDefinition, StructuralSchema } from '@millrace/crds/crd-yaml';
import type { ResourceType } from '../machinery/kube-api.ts';
import { KubeFailure } from '../machinery/kube-failure.ts';
import { builtInListTypes, customListTypes, type ListTypes } from './list-types.ts';
import { compileRules, type Programs } from './schema/cel.ts';

export interface ResourceKind extends ResourceType {
  /** Status is written through its own subresource only; the rest counts generations. */
  readonly hasStatus: boolean;
  readonly hasScale: boolean;
  readonly custom?: CustomSchema;
  readonly lists: ListTypes;
}

/** What a custom resource is judged by. */
export interface CustomSchema {
  readonly schema: StructuralSchema;
  readonly programs: Programs;
}

const builtIn: readonly [apiVersion: string, kind: string, plural: string, traits: string][] = [
  ['v1', 'ConfigMap', 'configmaps', ''],
  ['v1', 'Secret', 'secrets', ''],
  ['v1', 'Service', 'services', 'status'],
  ['v1', 'ServiceAccount', 'serviceaccounts', ''],
  ['v1', 'Endpoints', 'endpoints', ''],
  ['v1', 'PersistentVolumeClaim', 'persistentvolumeclaims', 'status'],
  ['v1', 'Pod', 'pods', 'status'],
  ['v1', 'Event', 'events', ''],
  ['events.k8s.io/v1', 'Event', 'events', ''],
  ['apps/v1', 'Deployment', 'deployments', 'status scale'],
  ['apps/v1', 'ReplicaSet', 'replicasets', 'status scale'],
  ['apps/v1', 'StatefulSet', 'statefulsets', 'status scale'],
  ['batch/v1', 'Job', 'jobs', 'status'],
  ['coordination.k8s.io/v1', 'Lease', 'leases', ''],
  ['discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices', ''],
  ['networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies', ''],
  ['policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets', 'status'],
  ['autoscaling/v2', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers', 'status'],
  ['apiregistration.k8s.io/v1', 'APIService', 'apiservices', 'status'],
  ['rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', 'clusterrolebindings', ''],
  ['keda.sh/v1alpha1', 'ScaledObject', 'scaledobjects', 'status'],
];

export function resourceKey(type: ResourceType): string {
  return `${type.apiVersion}/${type.plural}`;
}

/** Compiling costs more than the rest of an empty API, and tests make thousands of those. */
const compiled = new WeakMap<StructuralSchema, Programs>();

function programsOf(schema: StructuralSchema): Programs {
  const programs = compiled.get(schema) ?? compileRules(schema);
  compiled.set(schema, programs);
  return programs;
}

const served = new WeakMap<readonly CustomResourceDefinition[], ResourceKinds>();

/** The same for the same list, so that what was stored in one API can be put back in another. */
export function resourceKinds(installed: readonly CustomResourceDefinition[]): ResourceKinds {
  const kinds = served.get(installed) ?? new ResourceKinds(installed);
  served.set(installed, kinds);
  return kinds;
}

export class ResourceKinds {
  readonly #byKey = new Map<string, ResourceKind>();

  constructor(installed: readonly CustomResourceDefinition[]) {
    for (const [apiVersion, kind, plural, traits] of builtIn) {
      const hasStatus = traits.includes('status');
      const hasScale = traits.includes('scale');
      const lists = builtInListTypes(kind);
      this.#add({ apiVersion, kind, plural, hasStatus, hasScale, lists });
    }
    for (const definition of installed) {
      const { group, names, versions } = definition.spec;
      for (const { name, schema } of versions) {
        const apiVersion = `${group}/${name}`;
        const { kind, plural } = names;
        const custom = {
          schema: schema.openAPIV3Schema,
          programs: programsOf(schema.openAPIV3Schema),
        };
        const lists = customListTypes(schema.openAPIV3Schema);
        this.#add({ apiVersion, kind, plural, hasStatus: true, hasScale: false, custom, lists });
      }
    }
  }

  find(type: ResourceType): ResourceKind | undefined {
    const found = this.#byKey.get(resourceKey(type));
    return found?.kind === type.kind ? found : undefined;
  }

  get(type: ResourceType): ResourceKind {
    const found = this.find(type);
    if (found !== undefined) return found;
    throw new KubeFailure(
      'NotFound',
      `the API serves no ${type.kind} as ${resourceKey(type)}: is its definition installed?`,
    );
  }

  #add(kind: ResourceKind): void {
    this.#byKey.set(resourceKey(kind), kind);
  }
}
