/**
 * Background garbage collection by owner references, as the controller-manager does it.
 *
 * An object all of whose owners are gone is deleted; if only some are gone, it loses those
 * references. An owner is gone when no object has its uid: one that was deleted and created again
 * under the same name is another owner. Runs after the call that caused it has returned, so that
 * callers see what they would see on a real server.
 */
import { isDeepStrictEqual } from 'node:util';
import type { KubeObject, OwnerReference } from '../machinery/kube-api.ts';
import { copied, type JsonObject } from './field-paths.ts';
import type { ObjectStore, Stored } from './object-store.ts';
import type { Change } from './watch-hub.ts';

export class GarbageCollector {
  readonly #store: ObjectStore;
  #isScheduled = false;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** Only a removal, or other owners, can make an object collectable. */
  look({ before, after }: Change): void {
    const owners = after?.metadata.ownerReferences;
    const isSame = isDeepStrictEqual(before?.metadata.ownerReferences, owners);
    if (after === undefined || !isSame) this.schedule();
  }

  /** Several calls in a row make one pass. */
  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#collect();
    });
  }

  #collect(): void {
    for (const stored of this.#store.all()) {
      const references = stored.object.metadata.ownerReferences ?? [];
      const alive = references.filter((owner) => this.#isAlive(owner, stored.object));
      if (alive.length === references.length) continue;
      if (alive.length === 0) this.#store.delete(stored);
      else this.#keepOwners(stored, alive);
    }
  }

  #isAlive(owner: OwnerReference, dependent: KubeObject): boolean {
    const found = this.#store.byUid(owner.uid)?.object;
    return (
      found !== undefined &&
      found.kind === owner.kind &&
      found.metadata.name === owner.name &&
      found.metadata.namespace === dependent.metadata.namespace
    );
  }

  #keepOwners(stored: Stored, alive: readonly OwnerReference[]): void {
    const object: JsonObject = copied({ ...stored.object });
    object['metadata'] = { ...stored.object.metadata, ownerReferences: alive };
    this.#store.commit({ ...stored, before: stored, object });
  }
}
