/** Reads the few facts of a Job that decisions need; Kubernetes promises them as conditions. */
import type { KubeObject } from '../../machinery/kube-api.ts';
import { renderingAnnotation } from './names.ts';

interface JobFields {
  readonly spec?: { readonly suspend?: boolean };
  readonly status?: {
    readonly failed?: number;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly lastTransitionTime?: string;
    }[];
  };
}

export interface JobFacts {
  readonly uid: string;
  /** Digest of the rendering it was made from. */
  readonly rendering: string | undefined;
  readonly isSuspended: boolean;
  readonly failedPods: number;
  readonly end: 'Complete' | 'Failed' | undefined;
  readonly endedAtMs: number | undefined;
}

export function jobFacts(job: KubeObject): JobFacts {
  // The API server validates Jobs; every field is read as optional all the same.
  const { spec, status } = job as JobFields;
  const end = (status?.conditions ?? []).find(
    (condition) =>
      condition.status === 'True' && (condition.type === 'Complete' || condition.type === 'Failed'),
  );
  return {
    uid: job.metadata.uid ?? '',
    rendering: job.metadata.annotations?.[renderingAnnotation],
    isSuspended: spec?.suspend === true,
    failedPods: status?.failed ?? 0,
    end: end === undefined ? undefined : end.type === 'Complete' ? 'Complete' : 'Failed',
    endedAtMs:
      end?.lastTransitionTime === undefined ? undefined : Date.parse(end.lastTransitionTime),
  };
}

interface DeploymentFields {
  readonly spec?: { readonly replicas?: number };
  readonly status?: { readonly readyReplicas?: number };
}

export function replicasOf(deployment: KubeObject | undefined): {
  readonly wanted: number | undefined;
  readonly ready: number;
} {
  const fields = deployment as DeploymentFields | undefined;
  return { wanted: fields?.spec?.replicas, ready: fields?.status?.readyReplicas ?? 0 };
}
