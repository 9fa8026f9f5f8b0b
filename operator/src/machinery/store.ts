/**
 * What one reflector has seen of one type: trimmed objects by uid, by key and by named indexes.
 *
 * Objects are held by uid, so that a deleted and recreated object is never taken for an update of
 * the old one. Objects handed out are frozen in depth only by convention: readers never change them.
 * What comes late or twice is left out where its version shows it (see versions.ts): an old state
 * never replaces a newer one, and what was deleted does not come back, until a list says otherwise.
 * The store remembers the last few thousand versions it was told of: whether it has caught up with a
 * write is answered only by having seen that very version, or by a list that began after the write,
 * because a later version may have overtaken an event that was lost.
 */
import type { KubeObject } from './kube-api.ts';
import { keyOfObject } from './object-key.ts';
import { SharedParts } from './shared-parts.ts';
import { isOlder } from './versions.ts';

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
  readonly version?: string;
  /** The server has gone back in time, restored from a backup: what we know is not newer, but undone. */
  readonly isRewound?: boolean;
}

/** Deletions remembered; an event of one that is older than this many would have to be minutes late. */
const deletionsMax = 4_096;
/** Versions remembered: a write older than this many events is confirmed by a live read instead. */
const seenVersionsMax = 4_096;

export class Store {
  #byUid = new Map<string, KubeObject>();
  #uidByKey = new Map<string, string>();
  #indexes = new Map<string, { indexer: Indexer; uids: Map<string, Set<string>> }>();
  #seen = new Set<string>();
  /** Versions of deletions, by uid. */
  #deleted = new Map<string, string>();
  #trim: (object: KubeObject) => KubeObject;
  #trimmed = new WeakSet<KubeObject>();
  #parts = new SharedParts();
  /** When the last list of each namespace began (`''` stands for all), on the reflectors' clock. */
  #listedAt = new Map<string, number>();

  constructor(options: StoreOptions = {}) {
    this.#trim = options.trim ?? trimUnread;
    for (const [name, indexer] of Object.entries(options.indexes ?? {})) {
      this.#indexes.set(name, { indexer, uids: new Map() });
    }
  }

  /** For whoever fetches objects, so that each is trimmed as it comes; never twice, as some would lose more. */
  readonly trim = (object: KubeObject): KubeObject => {
    if (this.#trimmed.has(object)) return object;
    const kept = this.#parts.share(this.#trim(object));
    this.#trimmed.add(kept);
    return kept;
  };

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
    if (this.#isOutdated(object)) return [];
    const uid = uidOf(object);
    const changes: Change[] = [];
    const holder = this.#uidByKey.get(keyOfObject(object));
    if (holder !== undefined && holder !== uid) changes.push(...this.removeUid(holder));
    const before = this.#byUid.get(uid);
    if (before !== undefined && sameVersion(before, object)) return changes;
    const after = this.trim(object);
    if (before !== undefined) this.#drop(before);
    this.#deleted.delete(uid);
    this.#byUid.set(uid, after);
    this.#uidByKey.set(keyOfObject(after), uid);
    this.#index(after, (uids) => uids.add(uid));
    return [...changes, { before, after, initial: false }];
  }

  /** Takes a deletion in; the version of the last state counts as seen. */
  remove(object: KubeObject): readonly Change[] {
    const { resourceVersion } = object.metadata;
    this.#remember(resourceVersion);
    const uid = uidOf(object);
    // A deletion that was overtaken: the object has come back into view since.
    if (isOlder(resourceVersion, this.#byUid.get(uid)?.metadata.resourceVersion)) return [];
    this.#bury(uid, resourceVersion);
    return this.removeUid(uid);
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
    if (list.isRewound === true) this.#deleted.clear();
    const changes = this.#removeUnlisted(items, list);
    for (const item of items) changes.push(...this.upsert(item));
    this.#listedAt.set(namespace, list.beganAt);
    return initial ? changes.map((change) => ({ ...change, initial })) : changes;
  }

  #removeUnlisted(items: readonly KubeObject[], list: ListCoverage): Change[] {
    const { namespace = '', version, isRewound = false } = list;
    const listed = new Map(items.map((item) => [uidOf(item), item]));
    const changes: Change[] = [];
    for (const [uid, held] of this.#byUid) {
      if (namespace !== '' && held.metadata.namespace !== namespace) continue;
      const item = listed.get(uid);
      // Read live while the list was on its way: the watch from the list's version will bring it.
      const isNewer = isOlder(
        item?.metadata.resourceVersion ?? version,
        held.metadata.resourceVersion,
      );
      if (isNewer ? !isRewound : item !== undefined) continue;
      if (!isRewound) this.#bury(uid, version);
      changes.push(...this.removeUid(uid));
    }
    return changes;
  }

  /** Whether a write that returned `version` is part of the content. */
  hasSeen(version: string, write: { readonly namespace: string; readonly at: number }): boolean {
    const listedAt = this.#listedAt.get(write.namespace) ?? this.#listedAt.get('');
    return this.#seen.has(version) || (listedAt ?? Number.NEGATIVE_INFINITY) > write.at;
  }

  /** Whether the object is an earlier state of what is held, or of what was deleted since. */
  #isOutdated(object: KubeObject): boolean {
    const { resourceVersion } = object.metadata;
    const uid = uidOf(object);
    const deletedAt = this.#deleted.get(uid);
    // The last state and the deletion may carry the same version; what comes back has a newer one.
    if (
      deletedAt !== undefined &&
      (resourceVersion === deletedAt || isOlder(resourceVersion, deletedAt))
    ) {
      return true;
    }
    // Also for the holder of the name under another uid: a predecessor ended before it began.
    const held = this.#byUid.get(uid) ?? this.get(keyOfObject(object));
    return isOlder(resourceVersion, held?.metadata.resourceVersion);
  }

  #bury(uid: string, version: string | undefined): void {
    if (version === undefined) return;
    this.#deleted.delete(uid);
    this.#deleted.set(uid, version);
    dropOldest(this.#deleted, deletionsMax);
  }

  #remember(version: string | undefined): void {
    if (version === undefined) return;
    this.#seen.delete(version);
    this.#seen.add(version);
    dropOldest(this.#seen, seenVersionsMax);
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

function dropOldest(held: Set<string> | Map<string, unknown>, max: number): void {
  if (held.size <= max) return;
  for (const oldest of held.keys()) {
    held.delete(oldest);
    return;
  }
}

/** Where `kubectl apply` keeps a second copy of the whole object. */
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** Keeps everything but who wrote which field, which is most of an object's size and never read. */
export function trimUnread(object: KubeObject): KubeObject {
  const { managedFields, annotations, ...metadata } = object.metadata as KubeObject['metadata'] & {
    readonly managedFields?: unknown;
  };
  if (managedFields === undefined && annotations?.[lastApplied] === undefined) return object;
  const { [lastApplied]: _copy, ...kept } = annotations ?? {};
  return {
    ...object,
    metadata: { ...metadata, ...(annotations === undefined ? {} : { annotations: kept }) },
  };
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
