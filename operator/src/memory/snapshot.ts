/**
 * The whole content as plain JSON, so that an interrupted `play` resumes with the same uids,
 * versions and field owners. Watches do not survive: they start again from a list.
 */
import type { KubeObject, ResourceType } from '../machinery/kube-api.ts';
import { copied, deepFreeze } from './field-paths.ts';
import type { ObjectStore, Stored } from './object-store.ts';
import type { ResourceKind, ResourceKinds } from './resource-kinds.ts';

export interface SnapshotObject {
  readonly type: ResourceType;
  readonly object: KubeObject;
  readonly owners: Readonly<Record<string, readonly string[]>>;
}

export interface Snapshot {
  readonly revision: number;
  readonly objects: readonly SnapshotObject[];
}

/**
 * What is stored never changes, and from one snapshot to the next most of it is the same. What this
 * process has taken, it puts back as it is: thousands of worlds may go on from one snapshot.
 */
const taken = new WeakMap<Stored, SnapshotObject>();
const origins = new WeakMap<SnapshotObject, Stored>();

export function takeSnapshot(store: ObjectStore): Snapshot {
  const objects = store.all().map((stored) => {
    const held = taken.get(stored) ?? snapshotOf(stored);
    taken.set(stored, held);
    origins.set(held, stored);
    return held;
  });
  return { revision: store.revision, objects };
}

function snapshotOf({ kind, object, owners }: Stored): SnapshotObject {
  return {
    type: { apiVersion: kind.apiVersion, kind: kind.kind, plural: kind.plural },
    object,
    owners: Object.fromEntries([...owners].map(([manager, paths]) => [manager, [...paths]])),
  };
}

/** Objects of resources that are not served any more stay out. */
export function restoreSnapshot(store: ObjectStore, kinds: ResourceKinds, from: Snapshot): void {
  for (const held of from.objects) {
    const kind = kinds.find(held.type);
    if (kind === undefined) continue;
    const origin = origins.get(held);
    store.restore(origin?.kind === kind ? origin : storedOf(held, kind));
  }
}

function storedOf({ object, owners }: SnapshotObject, kind: ResourceKind): Stored {
  const paths = Object.entries(owners).map(
    ([manager, owned]) => [manager, new Set(owned)] as const,
  );
  return { kind, object: deepFreeze(copied(object)), owners: new Map(paths) };
}
