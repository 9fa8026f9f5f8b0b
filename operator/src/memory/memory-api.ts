/**
 * The Kubernetes API in memory: the adapter of the `KubeApi` port that `play` and fast tests use.
 *
 * It keeps to what a real API server does, as far as operators can see it: versions, generations,
 * field ownership, subresources, preconditions, finalizers, garbage collection, watches that resume
 * or end in `Gone`, and the schemas of the custom resources installed in it. The contract suite in
 * operator/test runs on it and on a real server. It runs no controllers: nothing makes pods here.
 *
 * Meant differences: a namespace needs no object of its own, deletion is immediate for pods too, a
 * watch from a version of the future ends in `Gone` at once, and lists and watches leave
 * `managedFields` out.
 */
import type { CustomResourceDefinition } from '@millrace/crds/crd-yaml';
import type {
  ApplyOptions,
  KubeApi,
  KubeObject,
  ListOptions,
  ObjectList,
  ObjectRef,
  Preconditions,
  ResourceType,
  WatchEvent,
  WatchOptions,
} from '../machinery/kube-api.ts';
import { KubeFailure } from '../machinery/kube-failure.ts';
import { admitted } from './admission.ts';
import type { Faults, Verb } from './faults.ts';
import { deepFreeze, getAt, isJsonObject, setAt, unsetAt, type JsonObject } from './field-paths.ts';
import { GarbageCollector } from './garbage-collector.ts';
import {
  checkName,
  copyOf,
  fieldsOf,
  keepStatus,
  preconditionsOf,
  refuseManagedFields,
  userFields,
} from './given-fields.ts';
import { managedFields } from './managed-fields.ts';
import { mergePatch } from './merge-patch.ts';
import { ObjectStore, type Commit, type Stored } from './object-store.ts';
import {
  applyConfiguration,
  managerKey,
  ownersAfterUpdate,
  type Owned,
  type Subresource,
} from './ownership.ts';
import { checkPreconditions, described } from './preconditions.ts';
import {
  resourceKey,
  resourceKinds,
  type ResourceKind,
  type ResourceKinds,
} from './resource-kinds.ts';
import { restoreSnapshot, takeSnapshot, type Snapshot } from './snapshot.ts';
import { WatchHub } from './watch-hub.ts';

export interface MemoryApiOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly newUid: (object: { readonly kind: string; readonly name: string }) => string;
  /** Custom resources to serve: `kinds.map(customResourceDefinition)`. */
  readonly kinds?: readonly CustomResourceDefinition[];
  readonly snapshot?: Snapshot;
  /** Called after every change, within the call that made it: start a timer, do not block. */
  readonly changed?: () => void;
  /**
   * Changes that a watch may be behind. 4,096 frozen objects of a few kB are some tens of MB at
   * worst; too few only costs a relist.
   */
  readonly historyMax?: number;
  readonly faults?: Faults;
}

export function createMemoryApi(options: MemoryApiOptions): MemoryApi {
  return new MemoryApi(options);
}

export class MemoryApi implements KubeApi {
  readonly #kinds: ResourceKinds;
  readonly #store: ObjectStore;
  readonly #hub: WatchHub;
  readonly #faults: Faults;
  #calls = 0;

  constructor(options: MemoryApiOptions) {
    this.#kinds = resourceKinds(options.kinds ?? []);
    this.#faults = options.faults ?? {};
    const revision = options.snapshot?.revision ?? 1;
    const historyMax = options.historyMax ?? 4096;
    this.#hub = new WatchHub({ historyMax, revision, fault: this.#faults.watch });
    this.#store = new ObjectStore({
      now: options.now,
      newUid: options.newUid,
      revision,
      publish: (change) => {
        this.#hub.publish(change);
        collector.look(change);
        options.changed?.();
      },
    });
    const collector = new GarbageCollector(this.#store);
    if (options.snapshot === undefined) return;
    restoreSnapshot(this.#store, this.#kinds, options.snapshot);
    collector.schedule();
  }

  snapshot(): Snapshot {
    return takeSnapshot(this.#store);
  }

  /** Tells every watch which version it has seen everything up to; a real server does so each minute. */
  bookmark(): void {
    this.#hub.bookmark();
  }

  /** Forgets the history, so that watches that are behind it end in `Gone`. */
  compact(): void {
    this.#hub.compact();
  }

  get(type: ResourceType, ref: ObjectRef): Promise<KubeObject | undefined> {
    return this.#call('get', { type, ref }, (kind) => {
      const stored = this.#store.get(kind, ref);
      return stored === undefined ? undefined : withManagedFields(stored);
    });
  }

  list(type: ResourceType, options: ListOptions = {}): Promise<ObjectList> {
    return this.#call('list', { type, ref: undefined }, (kind) => {
      const items = this.#store.list(kind, options);
      const { trim } = options;
      return {
        items: trim === undefined ? items : items.map((object) => trim(object)),
        resourceVersion: String(this.#store.revision),
      };
    });
  }

  async *watch(
    type: ResourceType,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent, void, undefined> {
    const { trim } = options;
    for await (const event of this.#hub.watch(resourceKey(this.#kinds.get(type)), options)) {
      const isTrimmed = trim !== undefined && event.type !== 'BOOKMARK';
      yield isTrimmed ? { ...event, object: trim(event.object) } : event;
    }
  }

  create(type: ResourceType, object: KubeObject): Promise<KubeObject> {
    return this.#call('create', { type, ref: object.metadata }, (kind) => {
      if (this.#store.get(kind, object.metadata) !== undefined) {
        throw new KubeFailure(
          'AlreadyExists',
          `${described(kind, object.metadata)} already exists`,
        );
      }
      if (object.metadata.resourceVersion !== undefined) {
        throw new KubeFailure('Invalid', 'metadata.resourceVersion: must not be set on create');
      }
      const given = copyOf(object);
      if (kind.hasStatus) Reflect.deleteProperty(given, 'status');
      const none = { owners: new Map(), lists: kind.lists };
      const owners = ownersAfterUpdate({}, userFields(given), none);
      return this.#write(kind, undefined, { object: given, owners });
    });
  }

  apply(type: ResourceType, object: KubeObject, options: ApplyOptions): Promise<KubeObject> {
    const call = { type, ref: object.metadata };
    return this.#call('apply', call, (kind) => {
      const { uid } = object.metadata;
      const before = this.#store.get(kind, object.metadata)?.object;
      // A version says nothing about what does not exist: the apply creates it.
      const wanted = before === undefined && uid === undefined ? {} : object.metadata;
      checkPreconditions(kind, wanted, before);
      return this.#apply(kind, object, { ...options, subresource: '' });
    });
  }

  applyStatus(type: ResourceType, object: KubeObject, options: ApplyOptions): Promise<KubeObject> {
    return this.#call('applyStatus', { type, ref: object.metadata }, (kind) => {
      if (!kind.hasStatus) throw noSubresource(kind, 'status');
      const stored = this.#existing(kind, object.metadata);
      checkPreconditions(kind, object.metadata, stored.object);
      return this.#apply(kind, object, { ...options, subresource: 'status' });
    });
  }

  async scale(
    type: ResourceType,
    ref: ObjectRef,
    options: ApplyOptions & { readonly replicas: number },
  ): Promise<void> {
    await this.#call('scale', { type, ref }, (kind) => {
      if (!kind.hasScale) throw noSubresource(kind, 'scale');
      const { apiVersion, metadata } = this.#existing(kind, ref).object;
      const spec = { replicas: options.replicas };
      const scaled = { apiVersion, kind: kind.kind, metadata, spec };
      return this.#apply(kind, scaled, { ...options, subresource: 'scale' });
    });
  }

  patch(type: ResourceType, ref: ObjectRef, patch: object): Promise<KubeObject> {
    return this.#call('patch', { type, ref }, (kind) => {
      const before = this.#existing(kind, ref);
      checkPreconditions(kind, preconditionsOf(patch), before.object);
      const patched = mergePatch(copyOf(before.object), patch);
      const object: JsonObject = isJsonObject(patched) ? patched : {};
      if (kind.hasStatus) keepStatus(object, before.object);
      checkName(object, ref);
      const from = userFields(before.object);
      const { owners: former } = before;
      const { lists } = kind;
      const owners = ownersAfterUpdate(from, userFields(object), { owners: former, lists });
      return this.#write(kind, before, { object, owners });
    });
  }

  delete(type: ResourceType, ref: ObjectRef, preconditions: Preconditions = {}): Promise<boolean> {
    return this.#call('delete', { type, ref }, (kind) => {
      const stored = this.#store.get(kind, ref);
      if (stored === undefined) return false;
      checkPreconditions(kind, preconditions, stored.object);
      this.#store.delete(stored);
      return true;
    });
  }

  #apply(
    kind: ResourceKind,
    object: KubeObject,
    options: ApplyOptions & { readonly subresource: Subresource },
  ): KubeObject {
    refuseManagedFields(object);
    const before = this.#store.get(kind, object.metadata);
    const live = before === undefined ? {} : userFields(before.object);
    if (options.subresource === 'scale') hideNoReplicas(live);
    const result = applyConfiguration({
      live,
      owners: before?.owners ?? new Map(),
      applied: fieldsOf(kind, object, options.subresource),
      manager: managerKey(options.fieldManager, options.subresource),
      force: options.force ?? false,
      lists: kind.lists,
    });
    setAt(result.object, ['metadata', 'name'], object.metadata.name);
    setAt(result.object, ['metadata', 'namespace'], object.metadata.namespace);
    if (options.dryRun !== true) return this.#write(kind, before, result);
    return withManagedFields(this.#store.preview(this.#commit(kind, before, result)));
  }

  #write(kind: ResourceKind, before: Stored | undefined, written: Owned): KubeObject {
    const object = this.#store.commit(this.#commit(kind, before, written));
    return withManagedFields({ kind, object, owners: written.owners });
  }

  #commit(kind: ResourceKind, before: Stored | undefined, written: Owned): Commit {
    const object = admitted(kind, { ...written.object }, before?.object);
    return { kind, before, object, owners: written.owners };
  }

  #existing(kind: ResourceKind, ref: ObjectRef): Stored {
    const stored = this.#store.get(kind, ref);
    if (stored === undefined) {
      throw new KubeFailure('NotFound', `there is no ${described(kind, ref)}`);
    }
    return stored;
  }

  /** Every verb but watch: faults around work that is done without a pause. */
  async #call<T>(
    verb: Verb,
    target: { readonly type: ResourceType; readonly ref: ObjectRef | undefined },
    work: (kind: ResourceKind) => T,
  ): Promise<T> {
    const call = { index: this.#calls, verb, ...target };
    this.#calls += 1;
    await this.#faults.before?.(call);
    const answer = work(this.#kinds.get(target.type));
    await this.#faults.after?.(call);
    return answer;
  }
}

/**
 * As a caller gets it: frozen like the object itself, and with its owners told, which are worked out
 * when somebody looks at them. Few do, and doing it for every answer took a quarter of all time.
 */
function withManagedFields({ object, owners }: Stored): KubeObject {
  const { apiVersion, metadata } = object;
  if (owners.size === 0) return object;
  let told: ReturnType<typeof managedFields> | undefined;
  const fields = Object.defineProperty({ ...metadata }, 'managedFields', {
    enumerable: true,
    get: () => (told ??= deepFreeze(managedFields(apiVersion, owners))),
  });
  return Object.freeze({ ...object, metadata: Object.freeze(fields) });
}

/**
 * The Scale of an object with no replicas leaves them out, so that even an apply of the same 0 is a
 * conflict with whoever owns them (measured on 1.35).
 */
function hideNoReplicas(live: JsonObject): void {
  if (getAt(live, ['spec', 'replicas']) === 0) unsetAt(live, ['spec', 'replicas']);
}

function noSubresource(kind: ResourceKind, subresource: string): KubeFailure {
  return new KubeFailure('NotFound', `${kind.plural} have no ${subresource} subresource`);
}
