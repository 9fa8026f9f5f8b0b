/**
 * The caches that all kinds share: children, pods and Secrets are watched once, however many kinds
 * there are. What is kept of each object is what some kind reads; indexes find what belongs to one
 * resource, by its uid, so that kinds never meet.
 */
import type { ScalingStatus } from '@millrace/crds/scaling';
import type { KedaEndpoint } from './scaling/autoscalers.ts';
import type { Child } from '../act.ts';
import type { KubeApi, KubeObject, ResourceType } from '../kube-api.ts';
import type { CacheOptions, Manager } from '../manager.ts';
import { Store, trimUnread, type StoreOptions } from '../store.ts';
import { baseName, instanceLabel, kindLabel, managedBy, uidLabel } from './names.ts';
import { podEssentials, podIndex, podsOfRole } from './pods.ts';
import {
  configMaps,
  deployments,
  jobs,
  ownedTypes,
  pods,
  scaledObjects,
  secrets,
  services,
} from './resource-types.ts';
import {
  isAbsence,
  scalingCaches,
  scalingPreview,
  type ScalingCaches,
} from './scaling/scaling-caches.ts';
import { secretKeyNames } from './secrets.ts';

export interface WorkloadCaches extends ScalingCaches {
  readonly configMaps: Store;
  readonly jobs: Store;
  readonly deployments: Store;
  readonly services: Store;
  readonly pods: Store;
  /** Holds key names only, as `keys`; see `secretKeyNames`. */
  readonly secrets: Store;
}

const ownedByUid = 'uid of the owner';

/** Index of children by the resource they belong to. */
function childIndex({ metadata }: KubeObject): readonly string[] {
  const uid = metadata.labels?.[uidLabel];
  return uid === undefined ? [] : [uid];
}

export function workloadCaches(
  manager: Pick<Manager, 'cache' | 'options'>,
  { keda }: { readonly keda?: KedaEndpoint | undefined } = {},
): WorkloadCaches {
  const labels = managedBy;
  const owned: CacheOptions = { labels, indexes: { [ownedByUid]: childIndex } };
  return {
    configMaps: manager.cache(configMaps, owned),
    jobs: manager.cache(jobs, { ...owned, trim: withoutTemplate }),
    deployments: manager.cache(deployments, owned),
    services: manager.cache(services, owned),
    pods: manager.cache(pods, {
      labels,
      trim: podEssentials,
      indexes: { [podsOfRole]: podIndex },
    }),
    secrets: manager.cache(secrets, { trim: secretKeyNames }),
    ...scalingCaches(manager, { owned, keda }),
  };
}

export interface PreviewCachesOptions {
  readonly api: Pick<KubeApi, 'get' | 'list'>;
  readonly slug: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Sentences, one for each thing taken for granted. */
  readonly assumed: string[];
}

/** The same for one resource, read once, for those who only look. Secrets are left to the caller. */
export async function previewCaches(
  resource: KubeObject,
  { api, slug, now, assumed }: PreviewCachesOptions,
): Promise<WorkloadCaches> {
  const { namespace, name } = resource.metadata;
  // A predecessor of the same name left its children under the same label.
  const labels = { ...managedBy, [kindLabel]: slug, [instanceLabel]: baseName(name) };
  const read = async (type: ResourceType, indexes: StoreOptions['indexes']): Promise<Store> =>
    storeOf((await api.list(type, { namespace, labels })).items, { indexes: { ...indexes } });
  const owned = { [ownedByUid]: childIndex };
  const status = resource['status'] as { readonly scaling?: ScalingStatus } | undefined;
  return {
    configMaps: await read(configMaps, owned),
    jobs: await read(jobs, owned),
    deployments: await read(deployments, owned),
    services: await read(services, owned),
    pods: await read(pods, { [podsOfRole]: podIndex }),
    secrets: storeOf([], { trim: secretKeyNames }),
    ...(await scalingPreview({
      api,
      now,
      assumed,
      status: status?.scaling,
      read: async (type) => await readIfThere(() => read(type, owned)),
    })),
  };
}

async function readIfThere(read: () => Promise<Store>): Promise<Store> {
  try {
    return await read();
  } catch (error) {
    if (isAbsence(error)) return storeOf([], { indexes: { [ownedByUid]: childIndex } });
    throw error;
  }
}

export function storeOf(objects: readonly KubeObject[], options: StoreOptions = {}): Store {
  const store = new Store(options);
  for (const object of objects) store.upsert(object);
  return store;
}

/** Everything of the owned types that carries the uid, planned or not: what prune looks at. */
export function childrenOf(uid: string, caches: WorkloadCaches): readonly Child[] {
  const stores = [
    caches.configMaps,
    caches.jobs,
    caches.deployments,
    caches.services,
    caches.autoscalers,
    caches.scaledObjects,
  ];
  return [...ownedTypes, scaledObjects].flatMap((type, index) =>
    (stores[index]?.byIndex(ownedByUid, uid) ?? []).map((object) => ({ type, object })),
  );
}

/** A Job is never applied again once it exists, so what its pods are made of is compared with nothing. */
function withoutTemplate(job: KubeObject): KubeObject {
  const { template: _unread, ...spec } = job['spec'] as { readonly template?: unknown };
  return trimUnread({ ...job, spec });
}
