/**
 * What an autoscaler of the cluster does, in the world in memory: where there is one, and workers are
 * not at 0, it gives the Deployment as many as it is told are needed, within its bounds. As the real
 * one does, it writes the field without server-side apply, which makes it the field's owner.
 */
import type { ScalingStatus } from '@millrace/crds/scaling';
import type { KubeApi, KubeObject, ObjectRef, ResourceType } from '../src/machinery/kube-api.ts';
import {
  autoscalers,
  deployments,
  scaledObjects,
} from '../src/machinery/workload/resource-types.ts';
import { externalMetrics, kedaService, putApiService, type MetricsOwner } from './api-services.ts';

interface Bounds {
  readonly minReplicas?: number;
  readonly maxReplicas?: number;
  readonly minReplicaCount?: number;
  readonly maxReplicaCount?: number;
}

/** Lets the autoscaler of one resource act once; false when there is none, or it is disabled at 0. */
export async function autoscale(
  api: KubeApi,
  { type, ref }: { readonly type: ResourceType; readonly ref: ObjectRef },
): Promise<boolean> {
  const worker = { ...ref, name: `${ref.name}-worker` };
  const held = (await api.get(autoscalers, worker)) ?? (await api.get(scaledObjects, worker));
  const present = replicasOf(await api.get(deployments, worker));
  const { scaling } = ((await api.get(type, ref))?.['status'] ?? {}) as {
    readonly scaling?: ScalingStatus;
  };
  if (held === undefined || present === 0 || scaling === undefined) return false;
  const bounds = held['spec'] as Bounds;
  const least = bounds.minReplicas ?? bounds.minReplicaCount ?? 1;
  const most = bounds.maxReplicas ?? bounds.maxReplicaCount ?? 1;
  const needed = Math.ceil(Number.parseInt(scaling.needed, 10) / 1_000);
  const replicas = Math.max(least, Math.min(needed, most));
  if (replicas !== present) await api.patch(deployments, worker, { spec: { replicas } });
  return true;
}

export function replicasOf(object: KubeObject | undefined): number {
  return (object?.['spec'] as { readonly replicas?: number } | undefined)?.replicas ?? 0;
}

/** From now on the external metrics API is this one’s. */
export async function metricsAre(api: KubeApi, owner: MetricsOwner): Promise<void> {
  await putApiService(api, externalMetrics(owner));
  if (owner === 'KEDA') await putApiService(api, kedaService());
}

/** What no operator may do to a Deployment of workers that somebody else scales, if it has done it. */
export async function jumped(
  api: KubeApi,
  worker: ObjectRef,
  {
    before,
    after,
  }: { readonly before: KubeObject | undefined; readonly after: KubeObject | undefined },
): Promise<string | undefined> {
  const [was, is] = [replicasOf(before), replicasOf(after)];
  if (was === 0 || is === 0 || was === is) return undefined;
  const held = [await api.get(autoscalers, worker), await api.get(scaledObjects, worker)];
  return held.some((one) => one !== undefined && one.metadata.deletionTimestamp === undefined)
    ? `changed ${was} workers to ${is} while an autoscaler had them`
    : undefined;
}
