/** Observations for tests of the pure files, frozen in depth so that a change to an input throws. */
import type { Observed } from '../src/kinds/csv-import/observed.ts';
import type { CsvImportSpec } from '@millrace/crds/csv-import';
import { renderingAnnotation, replicasAnnotation } from '../src/machinery/workload/names.ts';
import { careFor as careOf, type Care } from '../src/kinds/csv-import/care.ts';
import type { KubeObject, ResourceType } from '../src/machinery/kube-api.ts';
import { deployments, jobs } from '../src/machinery/workload/resource-types.ts';
import { noScaling } from './api-services.ts';
import { usersSpec } from './import-cluster.ts';

export const owner = { namespace: 'team', name: 'users', uid: 'uid-of-users' };

export const noChildren = {
  configMap: undefined,
  job: undefined,
  worker: undefined,
  gateway: undefined,
  service: undefined,
  janitor: undefined,
};

export function observed(change: Partial<Observed> = {}): Observed {
  return deepFreeze({
    owner,
    resource: { apiVersion: 'millrace.dev/v1alpha1', kind: 'CsvImport', metadata: owner },
    generation: 1,
    isDeleting: false,
    isHeld: false,
    spec: usersSpec,
    lastSpec: undefined,
    status: undefined,
    children: noChildren,
    coordinators: [],
    pods: { workers: [], gateways: [], janitors: [] },
    progress: undefined,
    served: undefined,
    isRemembered: false,
    scaling: noScaling,
    secretKeys: () => ['POSTGRES_URL', 'RABBITMQ_URL'],
    claim: () => ({ phase: 'Bound', accessModes: ['ReadOnlyMany'], isDeleting: false }),
    ...change,
  });
}

/** The care for a spec, with the pods that it and what is held ask for. */
export function careFor(spec: CsvImportSpec, held: Observed = observed()): Care {
  const care = careOf({ spec, observed: held, image: 'image' });
  if (care === undefined) throw new Error('there is a spec');
  return deepFreeze(care);
}

/** The Job as it was made for `usersSpec`. */
export function heldJob(change: object = {}): KubeObject {
  return held(jobs, 'users-coordinator', {
    annotations: { [renderingAnnotation]: careFor(usersSpec).rendering.digest },
    ...change,
  });
}

/** A Deployment whose replicas the scaler has; `replicas` as its spec says, `ready` as its status. */
export function heldDeployment(
  role: 'worker' | 'gateway',
  {
    replicas,
    ready,
    isHandedOver = true,
  }: {
    readonly replicas: number;
    readonly ready: number;
    readonly isHandedOver?: boolean;
  },
): KubeObject {
  return held(deployments, `users-${role}`, {
    annotations: isHandedOver ? { [replicasAnnotation]: 'true' } : {},
    spec: { replicas },
    status: { readyReplicas: ready },
  });
}

function held(
  type: ResourceType,
  name: string,
  { annotations, ...rest }: { annotations?: Record<string, string>; [field: string]: unknown },
): KubeObject {
  return {
    apiVersion: type.apiVersion,
    kind: type.kind,
    metadata: {
      namespace: owner.namespace,
      name,
      uid: `uid-of-${name}`,
      resourceVersion: '7',
      annotations: annotations ?? {},
      ownerReferences: [
        {
          apiVersion: 'millrace.dev/v1alpha1',
          kind: 'CsvImport',
          name: 'users',
          uid: owner.uid,
          controller: true,
        },
      ],
    },
    ...rest,
  };
}

export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const child of Object.values(value)) deepFreeze(child);
  return Object.freeze(value);
}
