/** Gathers what is known of one CsvImport, from caches and the last answers of polls only. */
import type { CsvImportProgress, CsvImportStatus } from '@millrace/crds/csv-import';
import type { KubeObject } from '../../machinery/kube-api.ts';
import { keyOf, refOf } from '../../machinery/object-key.ts';
import type { Store } from '../../machinery/store.ts';
import type { WorkloadCaches } from '../../machinery/workload/caches.ts';
import { configMapName, roleName } from '../../machinery/workload/names.ts';
import { podsOf, type PodFacts } from '../../machinery/workload/pods.ts';
import { observeScaling } from '../../machinery/workload/scaling/resource-scaling.ts';
import { lastSpecOf } from '../../machinery/workload/spec-choice.ts';
import { claimFacts } from './claim.ts';
import { coordinatorPods } from './coordinator-pods.ts';
import { purgeFinalizer } from './names.ts';
import type { Children, CoordinatorPod, Observed } from './observed.ts';

export interface Caches extends WorkloadCaches {
  readonly imports: Store;
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
  const gateways = podsOf(uid, 'gateway', caches.pods);
  const running = coordinators.find((pod) => pod.exitCode === undefined && pod.jobUid === job);
  const heard =
    lastReport(coordinators, children.job) ??
    (running === undefined ? undefined : polled(running.uid));
  return {
    owner: { namespace, name, uid },
    resource,
    generation: resource.metadata.generation ?? 0,
    isDeleting: resource.metadata.deletionTimestamp !== undefined,
    isHeld: resource.metadata.finalizers?.includes(purgeFinalizer) === true,
    spec: resource['spec'],
    lastSpec: lastSpecOf(children.configMap, uid),
    status,
    children,
    coordinators,
    pods: {
      workers: podsOf(uid, 'worker', caches.pods),
      gateways,
      janitors: podsOf(uid, 'janitor', caches.pods),
    },
    progress: heard ?? status?.progress,
    served: servedReport(gateways, polled),
    isRemembered: heard === undefined,
    scaling: observeScaling({ namespace, name }, caches),
    secretKeys: (secretName) => {
      const secret = caches.secrets.get(keyOf({ namespace, name: secretName }));
      return secret === undefined ? undefined : (secret['keys'] as readonly string[]);
    },
    claim: (claimName) => {
      const claim = caches.claims.get(keyOf({ namespace, name: claimName }));
      return claim === undefined ? undefined : claimFacts(claim);
    },
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
    janitor: caches.jobs.get(at(roleName(name, 'janitor'))),
  };
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

/** Gateways answer before the end too; what they say then the coordinator knows better. */
function servedReport(
  gateways: readonly PodFacts[],
  polled: (podUid: string) => CsvImportProgress | undefined,
): CsvImportProgress | undefined {
  const reports = gateways.map(({ uid }) => polled(uid));
  return reports.find((report) => report?.state === 'Complete');
}
