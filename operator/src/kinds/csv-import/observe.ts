/** Gathers what is known of one CsvImport, from caches and the last answers of polls only. */
import type { CsvImportProgress, CsvImportStatus } from '@millrace/crds/csv-import';
import type { KubeObject } from '../../machinery/kube-api.ts';
import { controllerOf, keyOf, refOf } from '../../machinery/object-key.ts';
import type { Store } from '../../machinery/store.ts';
import { coordinatorPods, parseJson } from './coordinator-pods.ts';
import { configMapName, roleName, specKey } from './names.ts';
import type { Children, CoordinatorPod, Observed } from './observed.ts';

export interface Caches {
  readonly imports: Store;
  readonly configMaps: Store;
  readonly jobs: Store;
  readonly deployments: Store;
  readonly services: Store;
  readonly pods: Store;
  /** Holds key names only, as `keys`; see `secretKeyNames`. */
  readonly secrets: Store;
  readonly claims: Store;
}

/** Undefined when there is no such resource. */
export function observe(
  key: string,
  caches: Caches,
  /** The last answer of a pod, by its uid: what one said that is gone says nothing of the next. */
  polled: (podUid: string) => CsvImportProgress | undefined,
): Observed | undefined {
  const resource = caches.imports.get(key);
  const uid = resource?.metadata.uid;
  if (resource === undefined || uid === undefined) return undefined;
  const { namespace, name } = refOf(key);
  const status = resource['status'] as CsvImportStatus | undefined;
  const coordinators = coordinatorPods(uid, caches.pods);
  const children = childrenOf({ namespace, name }, caches);
  const job = children.job?.metadata.uid;
  const running = coordinators.find((pod) => pod.exitCode === undefined && pod.jobUid === job);
  const heard =
    lastReport(coordinators, children.job) ??
    (running === undefined ? undefined : polled(running.uid));
  return {
    owner: { namespace, name, uid },
    resource,
    generation: resource.metadata.generation ?? 0,
    isDeleting: resource.metadata.deletionTimestamp !== undefined,
    spec: resource['spec'],
    lastSpec: lastSpec(children.configMap, uid),
    status,
    children,
    coordinators,
    progress: heard ?? status?.progress,
    isRemembered: heard === undefined,
    secretKeys: (secretName) => {
      const secret = caches.secrets.get(keyOf({ namespace, name: secretName }));
      return secret === undefined ? undefined : (secret['keys'] as readonly string[]);
    },
    hasClaim: (claimName) => caches.claims.get(keyOf({ namespace, name: claimName })) !== undefined,
  };
}

function childrenOf(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  caches: Caches,
): Children {
  const at = (child: string) => keyOf({ namespace, name: child });
  return {
    configMap: caches.configMaps.get(at(configMapName(name))),
    job: caches.jobs.get(at(roleName(name, 'coordinator'))),
    worker: caches.deployments.get(at(roleName(name, 'worker'))),
    gateway: caches.deployments.get(at(roleName(name, 'gateway'))),
    service: caches.services.get(at(roleName(name, 'gateway'))),
  };
}

function lastSpec(configMap: KubeObject | undefined, uid: string): unknown {
  if (configMap === undefined || controllerOf(configMap)?.uid !== uid) return undefined;
  const text = (configMap['data'] as Record<string, string> | undefined)?.[specKey];
  return text === undefined ? undefined : parseJson(text);
}

/** The last words of the present Job's coordinator, once none of its pods runs any more. */
function lastReport(
  pods: readonly CoordinatorPod[],
  job: KubeObject | undefined,
): CsvImportProgress | undefined {
  const own = pods.filter(({ jobUid }) => jobUid !== undefined && jobUid === job?.metadata.uid);
  if (own.some(({ exitCode }) => exitCode === undefined)) return undefined;
  return own.find(({ report }) => report !== undefined)?.report;
}

/** What is kept of a Secret: the names of its keys that hold something, never a value. */
export function secretKeyNames(secret: KubeObject): KubeObject {
  const data = { ...(secret['data'] as Record<string, string> | undefined) };
  const text = { ...(secret['stringData'] as Record<string, string> | undefined) };
  const keys = Object.entries({ ...data, ...text }).flatMap(([key, value]) =>
    value === '' ? [] : [key],
  );
  const { name, namespace, uid, resourceVersion } = secret.metadata;
  return {
    apiVersion: secret.apiVersion,
    kind: secret.kind,
    metadata: {
      name,
      namespace,
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    keys,
  };
}
