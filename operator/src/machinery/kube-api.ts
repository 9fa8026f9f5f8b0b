/**
 * The port to Kubernetes: the few verbs that controllers need, on raw JSON.
 *
 * Two adapters speak it: `memory/` (play and fast tests) and, over HTTP, `kube/`. One contract suite
 * runs on both. Guarantees of every adapter: objects handed out are the caller's to keep and never
 * change under it; resource versions are opaque except for equality and for resuming a watch; an
 * apply writes only the fields it names; failures are `KubeFailure`s with the API's reason.
 */

/** Which resource: `{apiVersion: 'apps/v1', plural: 'deployments', kind: 'Deployment'}`. */
export interface ResourceType {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
}

export interface ObjectRef {
  readonly namespace: string;
  readonly name: string;
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly finalizers?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
}

/** Any object of the API; `spec`, `status`, `data` and the rest are read through the kind's own types. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

export interface ListOptions {
  readonly namespace?: string;
  /** Only the object of that name: what one who may read a single object can list and watch. */
  readonly name?: string;
  /** Equality only: every label must have this value. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Applied to each object as its page arrives, so that a long list never stands whole in memory. */
  readonly trim?: (object: KubeObject) => KubeObject;
}

export interface ObjectList {
  readonly items: readonly KubeObject[];
  readonly resourceVersion: string;
}

export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: KubeObject }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

export interface WatchOptions extends ListOptions {
  readonly resourceVersion: string;
  readonly signal: AbortSignal;
}

export interface Preconditions {
  readonly uid?: string;
  readonly resourceVersion?: string;
}

export interface ApplyOptions {
  readonly fieldManager: string;
  /** Take over fields that another manager owns; otherwise such a field is a Conflict. */
  readonly force?: boolean;
  /** Judges and answers as always, and stores nothing. */
  readonly dryRun?: boolean;
}

export interface KubeApi {
  /** Undefined when there is no such object. */
  get(type: ResourceType, ref: ObjectRef): Promise<KubeObject | undefined>;
  list(type: ResourceType, options?: ListOptions): Promise<ObjectList>;
  /** Ends with a `Gone` failure when the version is too old: list again. */
  watch(type: ResourceType, options: WatchOptions): AsyncIterable<WatchEvent>;
  /** Fails with AlreadyExists, or with Invalid and every problem in its message. */
  create(type: ResourceType, object: KubeObject): Promise<KubeObject>;
  /** Server-side apply: creates the object, or changes just the fields named. */
  apply(type: ResourceType, object: KubeObject, options: ApplyOptions): Promise<KubeObject>;
  /** JSON merge patch; `metadata.resourceVersion` or `metadata.uid` in it are preconditions. */
  patch(type: ResourceType, ref: ObjectRef, patch: object): Promise<KubeObject>;
  /** Replaces the status subresource by server-side apply. */
  applyStatus(type: ResourceType, object: KubeObject, options: ApplyOptions): Promise<KubeObject>;
  /** Sets the replicas through the scale subresource, under its own field manager. */
  scale(
    type: ResourceType,
    ref: ObjectRef,
    options: ApplyOptions & { readonly replicas: number },
  ): Promise<void>;
  /** False when there was nothing to delete. Children are collected by their owner references. */
  delete(type: ResourceType, ref: ObjectRef, preconditions?: Preconditions): Promise<boolean>;
}
