/**
 * The barrier against acting on a stale cache: a key is not worked on until the caches hold what its
 * last pass wrote.
 *
 * Without it, a pass that runs before the watch has delivered the child created a moment ago sees no
 * child and decides again. Versions are opaque, so "holds" means that the very version was seen, or
 * that a list began after the write. When a watch lags for longer than the patience, the objects are
 * read from the API instead and put into the cache, so that a slow watch delays but never blocks.
 */
import type { Clock } from '@millrace/kit/clock';
import type { KubeApi, KubeObject, ObjectRef, ResourceType } from './kube-api.ts';
import { keyOf } from './object-key.ts';
import type { Store } from './store.ts';

export interface OwnWrite {
  readonly type: ResourceType;
  readonly ref: ObjectRef;
  readonly uid: string | undefined;
  /** The version that the write made; undefined for a deletion. */
  readonly version: string | undefined;
}

interface Outstanding extends OwnWrite {
  readonly at: number;
}

export interface OwnWritesOptions {
  readonly api: Pick<KubeApi, 'get'>;
  readonly clock: Clock;
  /** The cache of a type; undefined when the type is not cached, which then has nothing to wait for. */
  readonly storeOf: (type: ResourceType) => Store | undefined;
}

/** Watches deliver within milliseconds; after five seconds one is more likely broken than slow. */
const patienceMs = 5_000;

export class OwnWrites {
  #options: OwnWritesOptions;
  #outstanding = new Map<string, Outstanding[]>();

  constructor(options: OwnWritesOptions) {
    this.#options = options;
  }

  record(key: string, write: OwnWrite): void {
    const writes = this.#outstanding.get(key) ?? [];
    const others = writes.filter(
      ({ type, ref }) => type !== write.type || keyOf(ref) !== keyOf(write.ref),
    );
    this.#outstanding.set(key, [...others, { ...write, at: this.#options.clock.monotonic() }]);
  }

  /** The version that the present pass over a key has made of an object; undefined if it wrote none. */
  versionOf(key: string, { type, ref }: Pick<OwnWrite, 'type' | 'ref'>): string | undefined {
    return this.#outstanding
      .get(key)
      ?.find((write) => write.type === type && keyOf(write.ref) === keyOf(ref))?.version;
  }

  forget(key: string): void {
    this.#outstanding.delete(key);
  }

  /** Whether the caches hold all that was written for the key; reads live what they are late with. */
  async areSeen(key: string): Promise<boolean> {
    const missing = (this.#outstanding.get(key) ?? []).filter((write) => !this.#isSeen(write));
    const late = missing.filter(({ at }) => this.#options.clock.monotonic() - at > patienceMs);
    for (const write of late) await this.#readLive(write);
    const waiting = missing.filter((write) => !late.includes(write));
    if (waiting.length === 0) this.#outstanding.delete(key);
    else this.#outstanding.set(key, waiting);
    return waiting.length === 0;
  }

  #isSeen(write: Outstanding): boolean {
    const store = this.#options.storeOf(write.type);
    if (store === undefined) return true;
    if (write.version !== undefined) {
      return store.hasSeen(write.version, { namespace: write.ref.namespace, at: write.at });
    }
    const held = write.uid === undefined ? undefined : store.byUid(write.uid);
    return held === undefined || held.metadata.deletionTimestamp !== undefined;
  }

  async #readLive(write: Outstanding): Promise<void> {
    const store = this.#options.storeOf(write.type);
    const before = store?.get(keyOf(write.ref));
    const live = await this.#options.api.get(write.type, write.ref);
    // The watch moved on while we read: what it brought is at least as new as the answer.
    if (store === undefined || versionOf(store.get(keyOf(write.ref))) !== versionOf(before)) return;
    if (live !== undefined) store.upsert(live);
    else if (before?.metadata.uid !== undefined) store.removeUid(before.metadata.uid);
  }
}

function versionOf(object: KubeObject | undefined): string | undefined {
  return object?.metadata.resourceVersion;
}
