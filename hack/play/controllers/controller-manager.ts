/**
 * Play's controller-manager: carries out what decideDeployment and decideJob decide.
 *
 * Everything that needs thought is in those two; here objects are read, pods are created and
 * deleted, and a status is written when it differs. `admit` is the place where a pod gets what
 * depends on this host, which is its port numbers, before anybody has seen it.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '@millrace/kit/clock';
import type { KubeApi, KubeObject, ResourceType } from '@millrace/operator/machinery/kube-api';
import { startControlLoop, type ControlLoop } from './control-loop.ts';
import { decideDeployment, templateHashLabel, type Deployment } from './deployment.ts';
import { decideJob, type BackoffBounds, type Job } from './job.ts';
import { podFromTemplate } from './pod-from-template.ts';
import { asPod, deploymentType, isOwnedBy, jobType, podType, uidOf, type Pod } from './workload.ts';

export interface ControllerOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly backoff: BackoffBounds;
  readonly signal: AbortSignal;
  admit(pod: Pod): Promise<Pod>;
  onError(error: unknown): void;
}

const fieldManager = 'millrace-play-controllers';

export function startControllers(options: ControllerOptions): ControlLoop {
  return startControlLoop({
    api: options.api,
    watched: [deploymentType, jobType, podType],
    signal: options.signal,
    onError: (error) => options.onError(error),
    reconcile: async () => {
      const [deployments, jobs, pods] = await Promise.all(
        [deploymentType, jobType, podType].map(
          async (type) => (await options.api.list(type)).items,
        ),
      );
      const all = (pods ?? []).map(asPod);
      for (const deployment of deployments ?? [])
        await syncDeployment(options, deployment as Deployment, all);
      const waits: number[] = [];
      for (const job of jobs ?? []) {
        const againInMs = await syncJob(options, job as Job, all);
        if (againInMs !== undefined) waits.push(againInMs);
      }
      return waits.length === 0 ? undefined : { againInMs: Math.min(...waits) };
    },
  });
}

async function syncDeployment(
  options: ControllerOptions,
  deployment: Deployment,
  all: readonly Pod[],
): Promise<void> {
  const pods = all.filter((pod) => isOwnedBy(pod, uidOf(deployment)));
  const decision = decideDeployment(deployment, pods, new Date(options.clock.now()).toISOString());
  await deletePods(options, decision.deletions);
  for (let index = 0; index < decision.createCount; index++) {
    const pod = podFromTemplate(deployment, deployment.spec.template, {
      stem: `${deployment.metadata.name}-${decision.hash}`,
      labels: { [templateHashLabel]: decision.hash },
    });
    await options.api.create(podType, await options.admit(pod));
  }
  await writeStatus(options, { type: deploymentType, object: deployment, status: decision.status });
}

async function syncJob(
  options: ControllerOptions,
  job: Job,
  all: readonly Pod[],
): Promise<number | undefined> {
  const pods = all.filter((pod) => isOwnedBy(pod, uidOf(job)));
  const { clock, backoff } = options;
  // A Job that is being deleted makes no pods; those it has go with it.
  if (job.metadata.deletionTimestamp !== undefined) return undefined;
  const decision = decideJob(job, pods, { nowMs: clock.now(), backoff });
  await deletePods(options, decision.deletions);
  for (let index = 0; index < decision.createCount; index++) {
    const { name } = job.metadata;
    const labels = {
      'batch.kubernetes.io/job-name': name,
      'job-name': name,
      'batch.kubernetes.io/controller-uid': uidOf(job),
      'controller-uid': uidOf(job),
    };
    const pod = podFromTemplate(job, job.spec.template, { stem: name, labels });
    await options.api.create(podType, await options.admit(pod));
  }
  await writeStatus(options, { type: jobType, object: job, status: decision.status });
  return decision.againInMs;
}

async function deletePods(options: ControllerOptions, pods: readonly Pod[]): Promise<void> {
  for (const pod of pods) await options.api.delete(podType, pod.metadata, { uid: uidOf(pod) });
}

async function writeStatus(
  options: ControllerOptions,
  write: { readonly type: ResourceType; readonly object: KubeObject; readonly status: object },
): Promise<void> {
  const { type, object, status } = write;
  if (isDeepStrictEqual(object['status'], status)) return;
  const { name, namespace } = object.metadata;
  const { apiVersion, kind } = type;
  await options.api.applyStatus(
    type,
    { apiVersion, kind, metadata: { name, namespace }, status },
    { fieldManager, force: true },
  );
}
