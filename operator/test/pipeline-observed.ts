/** Observations of an IncrementPipeline for tests of the pure files, frozen in depth. */
import { apiVersion } from '@millrace/crds/define-kind';
import type { IncrementPipelineSpec } from '@millrace/crds/increment-pipeline';
import { careFor as careOf, type Care } from '../src/kinds/increment-pipeline/care.ts';
import { drainFinalizer } from '../src/kinds/increment-pipeline/names.ts';
import type { Observed } from '../src/kinds/increment-pipeline/observed.ts';
import { plan } from '../src/kinds/increment-pipeline/plan.ts';
import type { StatusInput } from '../src/kinds/increment-pipeline/status.ts';
import type { KubeObject, ResourceType } from '../src/machinery/kube-api.ts';
import { replicasAnnotation } from '../src/machinery/workload/names.ts';
import type { PodFacts } from '../src/machinery/workload/pods.ts';
import { deployments, jobs } from '../src/machinery/workload/resource-types.ts';
import { noScaling } from './api-services.ts';
import { deepFreeze } from './observed.ts';
import { pipelineReport, views, viewsSpec } from './pipeline-world.ts';

export const owner = { ...views, uid: 'uid-of-views' };
export const noChildren: Observed['children'] = {
  configMap: undefined,
  gateway: undefined,
  worker: undefined,
  service: undefined,
  janitor: undefined,
};
export const noPods: Observed['pods'] = { gateways: [], workers: [], janitors: [] };

export function observed(change: Partial<Observed> = {}): Observed {
  const isDeleting = change.isDeleting === true;
  return deepFreeze({
    owner,
    resource: {
      apiVersion,
      kind: 'IncrementPipeline',
      metadata: {
        ...owner,
        resourceVersion: '9',
        ...(change.isHeld === false ? {} : { finalizers: ['example.com/other', drainFinalizer] }),
        ...(isDeleting ? { deletionTimestamp: '2030-01-01T00:00:00Z' } : {}),
      },
    },
    generation: 1,
    isDeleting,
    isHeld: true,
    spec: viewsSpec,
    lastSpec: undefined,
    status: undefined,
    children: noChildren,
    pods: noPods,
    progress: undefined,
    isRemembered: change.progress === undefined,
    isReportFinal: false,
    recommendation: undefined,
    scaling: noScaling,
    secretKeys: () => ['POSTGRES_URL', 'REDIS_URL'],
    ...change,
  });
}

/** As a pipeline is that has been running for a while. */
export function running(change: Partial<Observed> = {}): Observed {
  return observed({
    children: {
      ...noChildren,
      gateway: heldDeployment('gateway', { replicas: 2, ready: 2 }),
      worker: heldDeployment('worker', { replicas: 1, ready: 1 }),
    },
    pods: {
      gateways: [pod('gateway-1'), pod('gateway-2')],
      workers: [pod('worker-1')],
      janitors: [],
    },
    progress: pipelineReport(),
    ...change,
  });
}

/** The same once the gateways are gone. */
export function withoutGateways(change: Partial<Observed> = {}): Observed {
  const { children, pods } = running();
  const gateway = heldDeployment('gateway', { replicas: 0, ready: 0 });
  return running({
    children: { ...children, gateway },
    pods: { ...pods, gateways: [] },
    ...change,
  });
}

/** The same once the workers are gone too. */
export function stopped(change: Partial<Observed> = {}): Observed {
  const { children } = withoutGateways();
  const worker = heldDeployment('worker', { replicas: 0, ready: 0 });
  return withoutGateways({ children: { ...children, worker }, pods: noPods, ...change });
}

/** A status in which the proof that nothing was in flight is on record. */
export function onRecord(reason: string, observedGeneration = 1): NonNullable<Observed['status']> {
  const lastTransitionTime = '2030-01-01T00:00:00.000Z';
  return {
    observedGeneration,
    conditions: [
      {
        type: 'Draining',
        status: 'True',
        reason,
        message: '',
        lastTransitionTime,
        observedGeneration,
      },
    ],
  };
}

export const now = Date.parse('2030-01-01T00:00:00.000Z');

export function careFor(spec: IncrementPipelineSpec, held: Observed): Care {
  const care = careOf({ spec, observed: held, image: 'image', now });
  if (care === undefined) throw new Error('there is a spec');
  return deepFreeze(care);
}

/** What `status` is asked about this observation, after a pass that changed nothing. */
export function situation(
  spec: IncrementPipelineSpec,
  held: Observed,
  change: Partial<StatusInput> = {},
): StatusInput {
  const care = careFor(spec, held);
  return {
    observed: held,
    care,
    plan: plan({ care, observed: held }),
    obstacle: undefined,
    isPaused: false,
    changed: [],
    now: new Date(now).toISOString(),
    ...change,
  };
}

export function pod(name: string, change: Partial<PodFacts> = {}): PodFacts {
  return {
    uid: `uid-of-${name}`,
    name: `views-${name}`,
    madeBy: undefined,
    isReady: true,
    isTerminating: false,
    isDisrupted: false,
    pendingReason: undefined,
    exitCode: undefined,
    hasEnded: false,
    lastExit: undefined,
    lastWords: undefined,
    ...change,
  };
}

/** A Deployment whose replicas the scaler has; `replicas` as its spec says, `ready` as its status. */
export function heldDeployment(
  role: 'worker' | 'gateway',
  { replicas, ready }: { readonly replicas: number; readonly ready: number },
): KubeObject {
  return held(deployments, `views-${role}`, {
    spec: { replicas },
    status: { replicas: ready, readyReplicas: ready },
  });
}

export function heldJanitor(end?: 'Complete' | 'Failed'): KubeObject {
  const conditions = end === undefined ? [] : [{ type: end, status: 'True' }];
  return held(jobs, 'views-janitor', { status: { conditions } });
}

function held(type: ResourceType, name: string, rest: object): KubeObject {
  const { apiVersion: version, kind } = type;
  const controller = { apiVersion, kind: 'IncrementPipeline', name: owner.name, uid: owner.uid };
  return {
    apiVersion: version,
    kind,
    metadata: {
      namespace: owner.namespace,
      name,
      uid: `uid-of-${name}`,
      resourceVersion: '7',
      annotations: { [replicasAnnotation]: 'true' },
      ownerReferences: [{ ...controller, controller: true }],
    },
    ...rest,
  };
}
