import type { KubeObject, ListOptions } from '../machinery/kube-api.ts';

/** Whether a list or watch with these options holds the object. */
export function isSelected(object: KubeObject, options: ListOptions): boolean {
  if (options.namespace !== undefined && options.namespace !== object.metadata.namespace) {
    return false;
  }
  if (options.name !== undefined && options.name !== object.metadata.name) return false;
  const labels = object.metadata.labels ?? {};
  return Object.entries(options.labels ?? {}).every(
    ([key, value]) => Object.hasOwn(labels, key) && labels[key] === value,
  );
}
