/** Addresses of the API: `/apis/<group>/<version>/namespaces/<namespace>/<plural>/<name>`. */
import type { ListOptions, ObjectRef, ResourceType } from '../machinery/kube-api.ts';

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** All namespaces, or a cluster-scoped resource, when the namespace is empty or absent. */
export function collectionPath(type: ResourceType, namespace: string | undefined): string {
  const root = type.apiVersion.includes('/')
    ? `/apis/${type.apiVersion}`
    : `/api/${type.apiVersion}`;
  const within =
    (namespace ?? '') === '' ? '' : `/namespaces/${encodeURIComponent(namespace ?? '')}`;
  return `${root}${within}/${type.plural}`;
}

export function objectPath(type: ResourceType, ref: ObjectRef, subresource = ''): string {
  const path = `${collectionPath(type, ref.namespace)}/${encodeURIComponent(ref.name)}`;
  return subresource === '' ? path : `${path}/${subresource}`;
}

export function withQuery(path: string, query: Query): string {
  const given = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined) given.set(key, String(value));
  }
  return given.size === 0 ? path : `${path}?${given.toString()}`;
}

export function labelSelector(options: ListOptions): string | undefined {
  const labels = Object.entries(options.labels ?? {});
  return labels.length === 0
    ? undefined
    : labels.map(([key, value]) => `${key}=${value}`).join(',');
}

export function fieldSelector({ name }: ListOptions): string | undefined {
  return name === undefined ? undefined : `metadata.name=${name}`;
}
