/**
 * The Kubernetes API in memory: the adapter of the `KubeApi` port that `play` and fast tests use.
 *
 * It keeps to what a real API server does, as far as operators can see it: versions, generations,
 * field ownership, subresources, preconditions, finalizers, garbage collection, watches that resume
 * or end in `Gone`, and the schemas of the custom resources installed in it. The contract suite in
 * operator/test runs on it and on a real server. It runs no controllers: nothing makes pods here.
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
import { storeAsData } from './built-in-checks.ts';
import type { Faults, Verb } from './faults.ts';
import { getAt, isJsonObject, setAt, type JsonObject } from './field-paths.ts';
import { GarbageCollector } from './garbage-collector.ts';
import { mergePatch } from './merge-patch.ts';
import { ObjectStore, type Stored } from './object-store.ts';
import {
  applyConfiguration,
  managerKey,
  ownersAfterUpdate,
  type Owned,
  type Subresource,
} from './ownership.ts';
import { checkPreconditions, described } from './preconditions.ts';
import { ResourceKinds, resourceKey, type ResourceKind } from './resource-kinds.ts';
import { restoreSnapshot, takeSnapshot, type Snapshot } from './snapshot.ts';
import { WatchHub } from './watch-hub.ts';

export interface MemoryApiOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly newUid: () => string;
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
    this.#kinds = new ResourceKinds(options.kinds ?? []);
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
    return this.#call('get', { type, ref }, (kind) => this.#store.get(kind, ref)?.object);
  }

  list(type: ResourceType, options: ListOptions = {}): Promise<ObjectList> {
    return this.#call('list', { type, ref: undefined }, (kind) => ({
      items: this.#store.list(kind, options),
      resourceVersion: String(this.#store.revision),
    }));
  }

  async *watch(
    type: ResourceType,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent, void, undefined> {
    yield* this.#hub.watch(resourceKey(this.#kinds.get(type)), options);
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
      const owners = ownersAfterUpdate({}, userFields(given), new Map());
      return this.#write(kind, undefined, { object: given, owners });
    });
  }

  apply(type: ResourceType, object: KubeObject, options: ApplyOptions): Promise<KubeObject> {
    const call = { type, ref: object.metadata };
    return this.#call('apply', call, (kind) => {
      checkPreconditions(kind, object.metadata, this.#store.get(kind, object.metadata)?.object);
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
      const scaled = {
        apiVersion,
        kind: kind.kind,
        metadata,
        spec: { replicas: options.replicas },
      };
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
      const owners = ownersAfterUpdate(from, userFields(object), before.owners);
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
    const before = this.#store.get(kind, object.metadata);
    const result = applyConfiguration({
      live: before === undefined ? {} : userFields(before.object),
      owners: before?.owners ?? new Map(),
      applied: fieldsOf(kind, object, options.subresource),
      manager: managerKey(options.fieldManager, options.subresource),
      force: options.force ?? false,
    });
    setAt(result.object, ['metadata', 'name'], object.metadata.name);
    setAt(result.object, ['metadata', 'namespace'], object.metadata.namespace);
    return this.#write(kind, before, result);
  }

  #write(kind: ResourceKind, before: Stored | undefined, written: Owned): KubeObject {
    const object = admitted(kind, { ...written.object }, before?.object);
    return this.#store.commit({ kind, before, object, owners: written.owners });
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

const systemMetadata = new Set([
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'managedFields',
]);

/** A copy with the fields that users and controllers own: nothing of the system's own. */
function userFields(object: object): JsonObject {
  const { apiVersion: _version, kind, ...fields } = copyOf(object);
  if (kind === 'Secret') storeAsData(fields);
  for (const field of systemMetadata) {
    if (isJsonObject(fields['metadata'])) Reflect.deleteProperty(fields['metadata'], field);
  }
  return fields;
}

/** What an apply through this subresource may write; the rest of the object is not looked at. */
function fieldsOf(kind: ResourceKind, object: KubeObject, subresource: Subresource): JsonObject {
  const fields = userFields(object);
  if (subresource === 'status') return { status: fields['status'] };
  if (subresource === 'scale') return { spec: fields['spec'] };
  if (kind.hasStatus) Reflect.deleteProperty(fields, 'status');
  if (isJsonObject(fields['metadata']) && Object.keys(fields['metadata']).length === 0) {
    Reflect.deleteProperty(fields, 'metadata');
  }
  return fields;
}

/** As JSON travels: no undefined, no prototype, nothing shared with the caller. */
function copyOf(object: object): JsonObject {
  return JSON.parse(JSON.stringify(object)) as JsonObject;
}

/** A status in a patch of the object itself is not looked at. */
function keepStatus(target: JsonObject, source: KubeObject): void {
  const status = source['status'];
  if (status === undefined) Reflect.deleteProperty(target, 'status');
  else target['status'] = status;
}

function checkName(object: JsonObject, ref: ObjectRef): void {
  for (const field of ['name', 'namespace'] as const) {
    if (getAt(object, ['metadata', field]) === ref[field]) continue;
    throw new KubeFailure('Invalid', `metadata.${field}: cannot be changed: create another object`);
  }
}

function preconditionsOf(patch: object): Preconditions {
  const metadata = getAt(patch, ['metadata']);
  const uid = getAt(metadata, ['uid']);
  const resourceVersion = getAt(metadata, ['resourceVersion']);
  return {
    ...(typeof uid === 'string' ? { uid } : {}),
    ...(typeof resourceVersion === 'string' ? { resourceVersion } : {}),
  };
}

function noSubresource(kind: ResourceKind, subresource: string): KubeFailure {
  return new KubeFailure('NotFound', `${kind.plural} have no ${subresource} subresource`);
}
