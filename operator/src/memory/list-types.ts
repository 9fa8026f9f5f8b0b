/**
 * Which lists have elements of their own, as the API server's schemas say: by keys, as a set, or not
 * at all. Managers own elements of the first two; every other list is one value with one owner.
 *
 * For the built-in kinds this is the part of the API's own schema that operators meet: conditions,
 * pods and the ports of Services. A list that is not known here counts as one value, so two managers
 * of it conflict here where a real server would merge: that fails loudly, and a test finds it.
 */
import type { StructuralSchema } from '@millrace/crds/crd-yaml';
import type { Path } from './field-paths.ts';

/** The fields that tell elements apart, or that the elements themselves do. */
export type ListType = readonly string[] | 'set' | undefined;
/** By the path of the list, in which each list element on the way is `*`. */
export type ListTypes = (path: Path) => ListType;

/** A port without a protocol is a TCP port, also when elements are told apart. */
export const keyDefaults: Readonly<Record<string, string>> = { protocol: 'TCP' };

const metadata: readonly [path: string, type: ListType][] = [
  ['metadata.finalizers', 'set'],
  ['metadata.ownerReferences', ['uid']],
];

const podSpec: readonly [path: string, type: ListType][] = [
  ['volumes', ['name']],
  ['imagePullSecrets', ['name']],
  ['topologySpreadConstraints', ['topologyKey', 'whenUnsatisfiable']],
  ...['containers', 'initContainers'].flatMap((list): [string, ListType][] => [
    [list, ['name']],
    [`${list}.*.env`, ['name']],
    [`${list}.*.ports`, ['containerPort', 'protocol']],
    [`${list}.*.volumeMounts`, ['mountPath']],
    [`${list}.*.volumeDevices`, ['devicePath']],
  ]),
];

/** Where kinds keep a pod's specification. */
const podSpecAt: Readonly<Record<string, string>> = {
  Pod: 'spec',
  Deployment: 'spec.template.spec',
  ReplicaSet: 'spec.template.spec',
  StatefulSet: 'spec.template.spec',
  Job: 'spec.template.spec',
};

/** In the built-in kinds whose conditions have a key; a Job's have none and are one value. */
const keyedConditions = new Set([
  'Pod',
  'Service',
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'PersistentVolumeClaim',
  'PodDisruptionBudget',
  'HorizontalPodAutoscaler',
]);

export function builtInListTypes(kind: string): ListTypes {
  const at = podSpecAt[kind];
  const types = new Map<string, ListType>([
    ...metadata,
    ...(keyedConditions.has(kind) ? [['status.conditions', ['type']] as const] : []),
    ...(kind === 'Service' ? [['spec.ports', ['port', 'protocol']] as const] : []),
    ...(at === undefined ? [] : podSpec.map(([path, type]) => [`${at}.${path}`, type] as const)),
  ]);
  return (path) => types.get(path.join('.'));
}

export function customListTypes(schema: StructuralSchema): ListTypes {
  const own = new Map(metadata);
  return (path) => {
    const known = own.get(path.join('.'));
    if (known !== undefined) return known;
    const list = path.reduce<StructuralSchema | undefined>(
      (at, key) => (key === '*' ? at?.items : (at?.properties?.[key] ?? at?.additionalProperties)),
      schema,
    );
    if (list?.['x-kubernetes-list-type'] === 'set') return 'set';
    return list?.['x-kubernetes-list-type'] === 'map'
      ? list['x-kubernetes-list-map-keys']
      : undefined;
  };
}
