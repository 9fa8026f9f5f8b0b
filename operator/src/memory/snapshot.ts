/**
 * The whole content as plain JSON, so that an interrupted `play` resumes with the same uids,
 * versions and field owners. Watches do not survive: they start again from a list.
 */
import type { KubeObject, ResourceType } from '../machinery/kube-api.ts';
import type { ObjectStore } from './object-store.ts';
import type { ResourceKinds } from './resource-kinds.ts';

export interface SnapshotObject {
  readonly type: ResourceType;
  readonly object: KubeObject;
  readonly owners: Readonly<Record<string, readonly string[]>>;
}

export interface Snapshot {
  readonly revision: number;
  readonly objects: readonly SnapshotObject[];
}

export function takeSnapshot(store: ObjectStore): Snapshot {
  const objects = store.all().map(({ kind, object, owners }) => ({
    type: { apiVersion: kind.apiVersion, kind: kind.kind, plural: kind.plural },
    object,
    owners: Object.fromEntries([...owners].map(([manager, paths]) => [manager, [...paths]])),
  }));
  return { revision: store.revision, objects };
}

/** Objects of resources that are not served any more stay out. */
export function restoreSnapshot(store: ObjectStore, kinds: ResourceKinds, from: Snapshot): void {
  for (const { type, object, owners } of from.objects) {
    const kind = kinds.find(type);
    if (kind === undefined) continue;
    const paths = Object.entries(owners).map(
      ([manager, owned]) => [manager, new Set(owned)] as const,
    );
    store.restore({ kind, object, owners: new Map(paths) });
  }
}
