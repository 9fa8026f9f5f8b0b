/**
 * All objects, one revision counter, and the single way in: `commit`.
 *
 * Guarantees: every stored object is frozen; a commit that changes nothing keeps the version and
 * tells nobody; a change of anything but metadata and status starts a new generation; an object
 * that is being deleted goes when its last finalizer does; each change is published in the order of
 * its revision. Whether a write is allowed is decided before it comes here.
 */
import { isDeepStrictEqual } from 'node:util';
import type { KubeObject, ListOptions, ObjectRef } from '../machinery/kube-api.ts';
import { copied, deepFreeze, objectAt, type JsonObject } from './field-paths.ts';
import type { Owners } from './ownership.ts';
import { resourceKey, type ResourceKind } from './resource-kinds.ts';
import { isSelected } from './selection.ts';
import type { Change } from './watch-hub.ts';

export interface Stored {
  readonly kind: ResourceKind;
  readonly object: KubeObject;
  readonly owners: Owners;
}

export interface Commit {
  readonly kind: ResourceKind;
  readonly before: Stored | undefined;
  /**
   * Nobody else's: it is frozen as it is. Metadata of the system's own (uid, versions, times) is taken
   * from `before`, never from here.
   */
  readonly object: JsonObject;
  readonly owners: Owners;
}

export interface StoreOptions {
  readonly now: () => number;
  readonly newUid: (object: { readonly kind: string; readonly name: string }) => string;
  readonly revision: number;
  readonly publish: (change: Change) => void;
}

const userMetadata = ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const;

export class ObjectStore {
  readonly #options: StoreOptions;
  readonly #byResource = new Map<string, Map<string, Stored>>();
  readonly #byUid = new Map<string, Stored>();
  #revision: number;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#revision = options.revision;
  }

  get revision(): number {
    return this.#revision;
  }

  get(kind: ResourceKind, ref: ObjectRef): Stored | undefined {
    return this.#byResource.get(resourceKey(kind))?.get(nameKey(ref));
  }

  byUid(uid: string): Stored | undefined {
    return this.#byUid.get(uid);
  }

  /** In the order of namespace and name, as a real server lists. */
  list(kind: ResourceKind, options: ListOptions): KubeObject[] {
    const objects = [...(this.#byResource.get(resourceKey(kind))?.values() ?? [])];
    return objects
      .map(({ object }) => object)
      .filter((object) => isSelected(object, options))
      .toSorted((a, b) => (nameKey(a.metadata) < nameKey(b.metadata) ? -1 : 1));
  }

  all(): Stored[] {
    return [...this.#byUid.values()];
  }

  /** Puts back what was stored once, as it was: same uid, same version, no event. */
  restore(stored: Stored): void {
    this.#put(stored);
  }

  commit(commit: Commit): KubeObject {
    const { kind, before, owners } = commit;
    const object = this.#withSystemMetadata(commit);
    if (before !== undefined) {
      const isSame = isDeepStrictEqual(object, before.object);
      if (isSame && isDeepStrictEqual(owners, before.owners)) return before.object;
    }
    const isGone = object.metadata.deletionTimestamp !== undefined && !hasFinalizers(object);
    if (isGone && before !== undefined) return this.#remove(before, object);
    return this.#write({ kind, object, owners }, before);
  }

  /** What a commit would store, without storing it: a new object has no version yet. */
  preview(commit: Commit): Stored {
    const { kind, owners } = commit;
    return { kind, owners, object: deepFreeze(this.#withSystemMetadata(commit)) };
  }

  /** Starts the deletion of an object with finalizers; removes any other at once. */
  delete(stored: Stored): void {
    const { object } = stored;
    if (!hasFinalizers(object)) {
      this.#remove(stored, object);
      return;
    }
    if (object.metadata.deletionTimestamp !== undefined) return;
    const { generation } = object.metadata;
    const metadata = {
      ...object.metadata,
      deletionTimestamp: this.#time(),
      ...(generation === undefined ? {} : { generation: generation + 1 }),
    };
    this.#write({ ...stored, object: { ...object, metadata } }, stored);
  }

  #write(stored: Stored, before: Stored | undefined): KubeObject {
    const revision = this.#nextRevision();
    const after = withVersion(stored.object, revision);
    this.#put({ ...stored, object: after });
    const change = { resource: resourceKey(stored.kind), revision, after };
    this.#options.publish(before === undefined ? change : { ...change, before: before.object });
    return after;
  }

  #remove(stored: Stored, last: KubeObject): KubeObject {
    const { kind, object } = stored;
    const revision = this.#nextRevision();
    const removed = withVersion(last, revision);
    this.#byResource.get(resourceKey(kind))?.delete(nameKey(object.metadata));
    this.#byUid.delete(String(object.metadata.uid));
    this.#options.publish({ resource: resourceKey(kind), revision, before: object, removed });
    return removed;
  }

  #withSystemMetadata({ kind, before, object }: Commit): KubeObject {
    const given = objectAt(object, 'metadata');
    const system = before === undefined ? this.#newMetadata(kind, given) : before.object.metadata;
    const metadata: JsonObject = { ...copied(system) };
    for (const field of userMetadata) {
      const value = given[field];
      Reflect.deleteProperty(metadata, field);
      if (value !== undefined && !isEmpty(value)) metadata[field] = value;
    }
    const isChanged =
      before !== undefined && !isDeepStrictEqual(desired(object), desired(before.object));
    if (isChanged && kind.hasStatus) metadata['generation'] = Number(system.generation ?? 0) + 1;
    const { apiVersion, kind: kindName } = kind;
    const typed = metadata as unknown as KubeObject['metadata'];
    const { apiVersion: _version, kind: _kind, metadata: _metadata, ...fields } = object;
    return { apiVersion, kind: kindName, metadata: typed, ...fields };
  }

  #newMetadata(kind: ResourceKind, given: JsonObject): KubeObject['metadata'] {
    return {
      name: String(given['name']),
      namespace: String(given['namespace']),
      uid: this.#options.newUid({ kind: kind.kind, name: String(given['name']) }),
      creationTimestamp: this.#time(),
      ...(kind.hasStatus ? { generation: 1 } : {}),
    };
  }

  #put(stored: Stored): void {
    const resource = resourceKey(stored.kind);
    const objects = this.#byResource.get(resource) ?? new Map<string, Stored>();
    objects.set(nameKey(stored.object.metadata), stored);
    this.#byResource.set(resource, objects);
    this.#byUid.set(String(stored.object.metadata.uid), stored);
  }

  #nextRevision(): number {
    this.#revision += 1;
    return this.#revision;
  }

  /** Times have whole seconds, as on a real server. */
  #time(): string {
    return new Date(this.#options.now()).toISOString().replace(/\.[0-9]+Z$/, 'Z');
  }
}

function nameKey(ref: ObjectRef): string {
  return `${ref.namespace}/${ref.name}`;
}

function hasFinalizers(object: KubeObject): boolean {
  return (object.metadata.finalizers ?? []).length > 0;
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

function withVersion(object: KubeObject, revision: number): KubeObject {
  const metadata = { ...object.metadata, resourceVersion: String(revision) };
  return deepFreeze({ ...object, metadata });
}

/** What a generation counts: everything but metadata and status. */
function desired(object: object): JsonObject {
  const {
    apiVersion: _version,
    kind: _kind,
    metadata: _metadata,
    status: _status,
    ...rest
  } = object as JsonObject;
  return rest;
}
