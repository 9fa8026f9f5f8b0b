/** Keys of the work queue and the stores: `namespace/name`, which no name can make ambiguous. */
import type { KubeObject, ObjectRef } from './kube-api.ts';

export function keyOf(ref: ObjectRef): string {
  return `${ref.namespace}/${ref.name}`;
}

export function refOf(key: string): ObjectRef {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

export function keyOfObject(object: KubeObject): string {
  return keyOf(object.metadata);
}

/** The reference of whoever controls the object, if anyone does. */
export function controllerOf(object: KubeObject) {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}
