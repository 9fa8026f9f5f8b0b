/**
 * What wakes a resource beside its own changes: its children and pods, and what its spec refers to.
 * Every cross-reference is indexed, so that one change wakes exactly those whom it concerns.
 */
import type { Wake } from '../controller.ts';
import type { KubeObject, ResourceType } from '../kube-api.ts';
import { controllerOf, keyOf, keyOfObject } from '../object-key.ts';
import type { Store } from '../store.ts';
import { secretName, uidLabel } from './names.ts';
import {
  externalMetricsServices,
  kedaServices,
  ownedTypes,
  pods,
  scaledObjects,
} from './resource-types.ts';

/** Children and pods of the resources of one kind, and what the cluster has to scale any of them. */
export function wakesOfChildren(resources: Store, kind: string): readonly Wake[] {
  const keysOf = (object: KubeObject): readonly string[] => {
    const { labels, namespace } = object.metadata;
    const resource = resources.byUid(labels?.[uidLabel] ?? '');
    if (resource !== undefined) return [keyOfObject(resource)];
    // A child of a predecessor: whoever has its name now waits for it to be gone.
    const owner = controllerOf(object);
    return owner?.kind === kind ? [keyOf({ namespace, name: owner.name })] : [];
  };
  const everyone = (): readonly string[] => [...resources.all()].map(keyOfObject);
  return [
    ...[...ownedTypes, scaledObjects, pods].map((type) => ({ type, keysOf })),
    ...[externalMetricsServices, kedaServices].map((type) => ({ type, keysOf: everyone })),
  ];
}

/** Resources that refer to an object, by an index of the cache of resources. */
export function wakesByReference(resources: Store, type: ResourceType, index: string): Wake {
  return {
    type,
    keysOf: (object) => resources.byIndex(index, keyOfObject(object)).map(keyOfObject),
  };
}

export const bySecret = 'backends Secret';

/** Index of resources by the Secret that they name; a spec that nobody has judged yet is read too. */
export function secretIndex(resource: KubeObject): readonly string[] {
  const spec = (resource['spec'] ?? {}) as Parameters<typeof secretName>[0];
  return [keyOf({ namespace: resource.metadata.namespace, name: secretName(spec) })];
}
