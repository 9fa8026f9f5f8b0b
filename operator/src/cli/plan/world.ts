/**
 * The cluster as it would be: what is in it, under what the manifest brings with it, without what a
 * plan would delete. Reads only. A Secret that stands in the same file as the resource that needs it
 * is therefore not missing.
 */
import type {
  KubeApi,
  KubeObject,
  ListOptions,
  ObjectRef,
  ResourceType,
} from '../../machinery/kube-api.ts';
import { keyOf, keyOfObject } from '../../machinery/object-key.ts';

export type Reader = Pick<KubeApi, 'get' | 'list'>;

export interface Brought {
  readonly type: ResourceType;
  readonly object: KubeObject;
}

export function worldOf(
  api: Reader,
  changes: { readonly with?: readonly Brought[]; readonly without?: readonly Brought[] },
): Reader {
  const brought = new Map((changes.with ?? []).map((one) => [nameOf(one), one]));
  const gone = new Set((changes.without ?? []).map(({ object }) => object.metadata.uid));
  const isThere = (object: KubeObject): boolean => !gone.has(object.metadata.uid);
  return {
    async get(type: ResourceType, ref: ObjectRef) {
      const added = brought.get(`${type.apiVersion}/${type.kind} ${keyOf(ref)}`);
      if (added !== undefined) return added.object;
      const held = await api.get(type, ref);
      return held !== undefined && isThere(held) ? held : undefined;
    },
    async list(type: ResourceType, options?: ListOptions) {
      const { items, resourceVersion } = await api.list(type, options);
      return { items: items.filter(isThere), resourceVersion };
    },
  };
}

function nameOf({ type, object }: Brought): string {
  return `${type.apiVersion}/${type.kind} ${keyOfObject(object)}`;
}
