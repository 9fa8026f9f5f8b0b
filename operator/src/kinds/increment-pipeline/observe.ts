/** Gathers what is known of one IncrementPipeline, from caches and the last answers of polls only. */
import type {
  IncrementPipelineProgress,
  IncrementPipelineStatus,
} from '@millrace/crds/increment-pipeline';
import type { Recommendation } from '@millrace/crds/scaling';
import { keyOf, refOf } from '../../machinery/object-key.ts';
import type { Heard } from '../../machinery/progress-poller.ts';
import type { Store } from '../../machinery/store.ts';
import type { WorkloadCaches } from '../../machinery/workload/caches.ts';
import { configMapName, roleName, type Owner } from '../../machinery/workload/names.ts';
import { podsOf } from '../../machinery/workload/pods.ts';
import { observeScaling } from '../../machinery/workload/scaling/resource-scaling.ts';
import { lastSpecOf } from '../../machinery/workload/spec-choice.ts';
import { drainFinalizer } from './names.ts';
import type { Children, Observed } from './observed.ts';
import { areGatewaysGone } from './stopping.ts';

export interface Caches extends WorkloadCaches {
  readonly pipelines: Store;
}

/**
 * A pod answers with a look that it took up to a second ago, and that took it another: what it says
 * may be from before the question.
 */
const reportAgeMaxMs = 2_500;

/** What this process knows of a pipeline beside what is in the API. */
export interface Recollection {
  readonly heard: Heard<IncrementPipelineProgress> | undefined;
  /** It is too old to decide upon. */
  readonly isLate: boolean;
  /** When the last gateway was seen to be gone, on the clock of `heard`. */
  readonly gatewaysGoneAt: (areGone: boolean) => number | undefined;
  readonly recommendation: Recommendation | undefined;
}

export const nothingRecalled: Recollection = {
  heard: undefined,
  isLate: false,
  gatewaysGoneAt: () => undefined,
  recommendation: undefined,
};

/** Undefined when there is no such resource. */
export function observe(
  key: string,
  caches: Caches,
  recalled: (uid: string) => Recollection,
): Observed | undefined {
  const resource = caches.pipelines.get(key);
  const uid = resource?.metadata.uid;
  if (resource === undefined || uid === undefined) return undefined;
  const owner = { ...refOf(key), uid };
  const { namespace } = owner;
  const status = resource['status'] as IncrementPipelineStatus | undefined;
  const children = childrenOf(owner, caches);
  const pods = {
    gateways: podsOf(uid, 'gateway', caches.pods),
    workers: podsOf(uid, 'worker', caches.pods),
    janitors: podsOf(uid, 'janitor', caches.pods),
  };
  const { heard, isLate, gatewaysGoneAt, recommendation } = recalled(uid);
  const goneAt = gatewaysGoneAt(areGatewaysGone({ owner, children, pods }));
  return {
    owner,
    resource,
    generation: resource.metadata.generation ?? 0,
    isDeleting: resource.metadata.deletionTimestamp !== undefined,
    isHeld: resource.metadata.finalizers?.includes(drainFinalizer) === true,
    spec: resource['spec'],
    lastSpec: lastSpecOf(children.configMap, uid),
    status,
    children,
    pods,
    progress: heard?.value ?? status?.progress,
    isRemembered: heard === undefined || isLate,
    isReportFinal:
      heard !== undefined && goneAt !== undefined && heard.askedAt > goneAt + reportAgeMaxMs,
    recommendation,
    scaling: observeScaling(owner, caches),
    secretKeys: (secretName) => {
      const secret = caches.secrets.get(keyOf({ namespace, name: secretName }));
      return secret === undefined ? undefined : (secret['keys'] as readonly string[]);
    },
  };
}

function childrenOf({ namespace, name }: Owner, caches: Caches): Children {
  const at = (child: string) => keyOf({ namespace, name: child });
  return {
    configMap: caches.configMaps.get(at(configMapName(name))),
    gateway: caches.deployments.get(at(roleName(name, 'gateway'))),
    worker: caches.deployments.get(at(roleName(name, 'worker'))),
    service: caches.services.get(at(roleName(name, 'gateway'))),
    janitor: caches.jobs.get(at(roleName(name, 'janitor'))),
  };
}
