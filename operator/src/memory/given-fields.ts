/**
 * What of an object that a caller hands in counts: the fields users and controllers own, the
 * preconditions, and nothing of the system's own.
 */
import type { KubeObject, ObjectRef, Preconditions } from '../machinery/kube-api.ts';
import { KubeFailure } from '../machinery/kube-failure.ts';
import { storeAsData } from './built-in-checks.ts';
import { getAt, isJsonObject, type JsonObject } from './field-paths.ts';
import type { Subresource } from './ownership.ts';
import type { ResourceKind } from './resource-kinds.ts';

const systemMetadata = new Set([
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'managedFields',
]);

/** A copy with the fields that users and controllers own: nothing of the system's own. */
export function userFields(object: object): JsonObject {
  const { apiVersion: _version, kind, ...fields } = copyOf(object);
  if (kind === 'Secret') storeAsData(fields);
  for (const field of systemMetadata) {
    if (isJsonObject(fields['metadata'])) Reflect.deleteProperty(fields['metadata'], field);
  }
  const { metadata } = fields;
  if (isJsonObject(metadata) && Object.keys(metadata).length === 0) {
    Reflect.deleteProperty(fields, 'metadata');
  }
  return fields;
}

/** What an apply through this subresource may write; the rest of the object is not looked at. */
export function fieldsOf(
  kind: ResourceKind,
  object: KubeObject,
  subresource: Subresource,
): JsonObject {
  const fields = userFields(object);
  if (subresource === 'status') return { status: fields['status'] };
  if (subresource === 'scale') return { spec: fields['spec'] };
  if (kind.hasStatus) Reflect.deleteProperty(fields, 'status');
  return fields;
}

/** As JSON travels: no undefined, no prototype, nothing shared with the caller. */
export function copyOf(object: object): JsonObject {
  return JSON.parse(JSON.stringify(object)) as JsonObject;
}

/** A status in a patch of the object itself is not looked at. */
export function keepStatus(target: JsonObject, source: KubeObject): void {
  const status = source['status'];
  if (status === undefined) Reflect.deleteProperty(target, 'status');
  else target['status'] = status;
}

export function checkName(object: JsonObject, ref: ObjectRef): void {
  for (const field of ['name', 'namespace'] as const) {
    if (getAt(object, ['metadata', field]) === ref[field]) continue;
    throw new KubeFailure('Invalid', `metadata.${field}: cannot be changed: create another object`);
  }
}

export function preconditionsOf(patch: object): Preconditions {
  const metadata = getAt(patch, ['metadata']);
  const uid = getAt(metadata, ['uid']);
  const resourceVersion = getAt(metadata, ['resourceVersion']);
  return {
    ...(typeof uid === 'string' ? { uid } : {}),
    ...(typeof resourceVersion === 'string' ? { resourceVersion } : {}),
  };
}

/** A real server refuses what was read and is applied as it came: it is no configuration. */
export function refuseManagedFields(object: object): void {
  if (getAt(object, ['metadata', 'managedFields']) === undefined) return;
  throw new KubeFailure('Invalid', 'metadata.managedFields must be nil');
}
