/** Gathers what is known of one IncrementPipeline, from caches only. */
import type { IncrementPipelineStatus } from '@millrace/crds/increment-pipeline';
import type { KubeObject, ResourceType } from '../../machinery/kube-api.ts';
import { refOf } from '../../machinery/object-key.ts';
import type { Store } from '../../machinery/store.ts';
import { uidLabel } from './names.ts';
import type { Observed } from './observed.ts';

export interface Caches {
  readonly resources: Store;
  readonly owned: ReadonlyMap<ResourceType, Store>;
}

/** Undefined when there is no such resource. */
export function observe(key: string, { resources, owned }: Caches): Observed | undefined {
  const resource = resources.get(key);
  const uid = resource?.metadata.uid;
  if (resource === undefined || uid === undefined) return undefined;
  return {
    owner: { ...refOf(key), uid },
    resource,
    generation: resource.metadata.generation ?? 0,
    isDeleting: resource.metadata.deletionTimestamp !== undefined,
    spec: resource['spec'],
    status: resource['status'] as IncrementPipelineStatus | undefined,
    children: [...owned].flatMap(([type, store]) =>
      store.byIndex(ownedByUid, uid).map((object) => ({ type, object })),
    ),
  };
}

export const ownedByUid = 'uid of the owner';

/** Index of children by the resource they belong to. */
export function childIndex({ metadata }: KubeObject): readonly string[] {
  const uid = metadata.labels?.[uidLabel];
  return uid === undefined ? [] : [uid];
}
