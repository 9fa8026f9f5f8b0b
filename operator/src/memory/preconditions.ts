import type { KubeObject, ObjectRef, Preconditions, ResourceType } from '../machinery/kube-api.ts';
import { KubeFailure } from '../machinery/kube-failure.ts';

/** For messages: `csvimports "team/users"`. */
export function described(type: ResourceType, ref: ObjectRef): string {
  return `${type.plural} "${ref.namespace}/${ref.name}"`;
}

/** Conflict unless the object is the one, and the version, that the caller decided upon. */
export function checkPreconditions(
  type: ResourceType,
  wanted: Preconditions,
  object: KubeObject | undefined,
): void {
  const { uid, resourceVersion } = wanted;
  if (uid !== undefined && uid !== object?.metadata.uid) {
    const found = object === undefined ? 'does not exist any more' : `is another object by now`;
    const name = object === undefined ? type.plural : described(type, object.metadata);
    throw new KubeFailure('Conflict', `${name} ${found}: its uid is not ${uid}; read it again`);
  }
  if (resourceVersion !== undefined && resourceVersion !== object?.metadata.resourceVersion) {
    const name = object === undefined ? type.plural : described(type, object.metadata);
    throw new KubeFailure(
      'Conflict',
      `${name} has changed since version ${resourceVersion}: read it again and decide anew`,
    );
  }
}
