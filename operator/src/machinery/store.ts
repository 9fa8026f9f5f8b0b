/**
 * What one reflector has seen of one type: trimmed objects by uid, by key and by named indexes.
 *
 * Objects are held by uid, so that a deleted and recreated object is never taken for an update of
 * the old one. Objects handed out are frozen in depth only by convention: readers never change them.
 * The store remembers the last few thousand versions it was told of, because versions are opaque:
 * whether it has caught up with a write can only be answered by having seen that very version, or by
 * a list that began after the write.
 */
import type { KubeObject } from './kube-api.ts';
import { keyOfObject } from './object-key.ts';

export type Indexer = (object: KubeObject) => readonly string[];

export interface StoreOptions {
  /** What is kept of an object; drops what no reader needs before it takes memory. */
  readonly trim?: (object: KubeObject) => KubeObject;
  readonly indexes?: Readonly<Record<string, Indexer>>;
}

/** One difference that an event or a list made. */
export interface Change {
  readonly before: KubeObject | undefined;
  readonly after: KubeObject | undefined;
  /** Part of a first list: everything is new to us, though nothing happened. */
  readonly initial: boolean;
}

export interface ListCoverage {
  readonly namespace?: string | undefined;
  /** When the list was asked for: what was written before is in it. */
  readonly beganAt: number;
}

/** Versions remembered: a write older than this many events is confirmed by a live read instead. */
const seenVersionsMax = 4_096;

export class Store {
  #byUid = new Map<string, KubeObject>();
  #uidByKey = new Map<string, string>();
  #indexes = new Map<string, { indexer: Indexer; uids: Map<string, Set<string>> }>();
  #seen = new Set<string>();
  #trim: (object: KubeObject) => KubeObject;
  /** When the last list of each namespace began (`''` stands for all), on the reflectors' clock. */
  #listedAt = new Map<string, number>();

  constructor(options: StoreOptions = {}) {
    this.#trim = options.trim ?? trimManagedFields;
    for (const [name, indexer] of Object.entries(options.indexes ?? {})) {
      this.#indexes.set(name, { indexer, uids: new Map() });
    }
  }

  get size(): number {
    return this.#byUid.size;
  }

  get(key: string): KubeObject | undefined {
    const uid = this.#uidByKey.get(key);
    return uid === undefined ? undefined : this.#byUid.get(uid);
  }

  byUid(uid: string): KubeObject | undefined {
    return this.#byUid.get(uid);
  }

  *all(): IterableIterator<KubeObject> {
    yield* this.#byUid.values();
  }

  byIndex(name: string, value: string): readonly KubeObject[] {
    const uids = this.#indexes.get(name)?.uids.get(value);
    if (uids === undefined) return [];
    return [...uids].flatMap((uid) => this.#byUid.get(uid) ?? []);
  }

  /** Takes an added or modified object in; an object of the same key but another uid leaves first. */
  upsert(object: KubeObject): readonly Change[] {
    this.#remember(object.metadata.resourceVersion);
    const uid = uidOf(object);
    const changes: Change[] = [];
    const holder = this.#uidByKey.get(keyOfObject(object));
    if (holder !== undefined && holder !== uid) changes.push(...this.removeUid(holder));
    const before = this.#byUid.get(uid);
    if (before !== undefined && sameVersion(before, object)) return changes;
    const after = this.#trim(object);
    if (before !== undefined) this.#drop(before);
    this.#byUid.set(uid, after);
    this.#uidByKey.set(keyOfObject(after), uid);
    this.#index(after, (uids) => uids.add(uid));
    return [...changes, { before, after, initial: false }];
  }

  /** Takes a deletion in; the version of the last state counts as seen. */
  remove(object: KubeObject): readonly Change[] {
    this.#remember(object.metadata.resourceVersion);
    return this.removeUid(uidOf(object));
  }

  removeUid(uid: string): readonly Change[] {
    const before = this.#byUid.get(uid);
    if (before === undefined) return [];
    this.#drop(before);
    return [{ before, after: undefined, initial: false }];
  }

  /** Makes the content of one namespace (of all, if none is given) equal to a list; tells what differed. */
  replace(items: readonly KubeObject[], list: ListCoverage): readonly Change[] {
    const namespace = list.namespace ?? '';
    const initial = !this.#listedAt.has(namespace);
    const listed = new Set(items.map(uidOf));
    const gone = [...this.#byUid].filter(
      ([uid, object]) =>
        !listed.has(uid) && (namespace === '' || object.metadata.namespace === namespace),
    );
    const changes = gone.flatMap(([uid]) => [...this.removeUid(uid)]);
    for (const item of items) changes.push(...this.upsert(item));
    this.#listedAt.set(namespace, list.beganAt);
    return initial ? changes.map((change) => ({ ...change, initial })) : changes;
  }

  /** Whether a write that returned `version` is part of the content. */
  hasSeen(version: string, write: { readonly namespace: string; readonly at: number }): boolean {
    const listedAt = this.#listedAt.get(write.namespace) ?? this.#listedAt.get('');
    return this.#seen.has(version) || (listedAt ?? Number.NEGATIVE_INFINITY) > write.at;
  }

  #remember(version: string | undefined): void {
    if (version === undefined) return;
    this.#seen.delete(version);
    this.#seen.add(version);
    if (this.#seen.size <= seenVersionsMax) return;
    for (const oldest of this.#seen) {
      this.#seen.delete(oldest);
      return;
    }
  }

  #drop(object: KubeObject): void {
    const uid = uidOf(object);
    this.#byUid.delete(uid);
    if (this.#uidByKey.get(keyOfObject(object)) === uid) this.#uidByKey.delete(keyOfObject(object));
    this.#index(object, (uids) => uids.delete(uid));
  }

  #index(object: KubeObject, change: (uids: Set<string>) => void): void {
    for (const { indexer, uids } of this.#indexes.values()) {
      for (const value of indexer(object)) {
        const held = uids.get(value) ?? new Set<string>();
        change(held);
        if (held.size === 0) uids.delete(value);
        else uids.set(value, held);
      }
    }
  }
}

/** Keeps everything but who wrote which field, which is most of an object's size and never read. */
export function trimManagedFields(object: KubeObject): KubeObject {
  if (!('managedFields' in object.metadata)) return object;
  const { managedFields: _dropped, ...metadata } = object.metadata as KubeObject['metadata'] & {
    managedFields: unknown;
  };
  return { ...object, metadata };
}

function uidOf(object: KubeObject): string {
  // Only objects of an API server get here, and those always have a uid; a key keeps fakes honest.
  return object.metadata.uid ?? keyOfObject(object);
}

function sameVersion(a: KubeObject, b: KubeObject): boolean {
  return (
    a.metadata.resourceVersion !== undefined &&
    a.metadata.resourceVersion === b.metadata.resourceVersion
  );
}
