/** What is known of one IncrementPipeline at one moment: the only input of validate, plan and status. */
import type {
  IncrementPipelineProgress,
  IncrementPipelineStatus,
} from '@millrace/crds/increment-pipeline';
import type { Recommendation } from '@millrace/crds/scaling';
import type { KubeObject } from '../../machinery/kube-api.ts';
import type { Owner } from '../../machinery/workload/names.ts';
import type { PodFacts } from '../../machinery/workload/pods.ts';
import type { ObservedScaling } from '../../machinery/workload/scaling/resource-scaling.ts';

export interface Observed {
  readonly owner: Owner;
  /** The resource itself, as its cache holds it. */
  readonly resource: KubeObject;
  readonly generation: number;
  readonly isDeleting: boolean;
  /** Whether the finalizer is on it: something may have been started. */
  readonly isHeld: boolean;
  /** As written by the user; nothing but `validate` may trust it. */
  readonly spec: unknown;
  /** The spec that the ConfigMap was made from, if there is one. */
  readonly lastSpec: unknown;
  readonly status: IncrementPipelineStatus | undefined;
  readonly children: Children;
  readonly pods: Pods;
  /** The newest report: of a poll, else what status still holds. */
  readonly progress: IncrementPipelineProgress | undefined;
  /** Nothing was heard since this process began, or nothing for long: `progress` decides nothing. */
  readonly isRemembered: boolean;
  /** The report was asked for after the last gateway pod was gone: nothing has come in since. */
  readonly isReportFinal: boolean;
  /** What this process found last, which may be newer than what status shows. */
  readonly recommendation: Recommendation | undefined;
  readonly scaling: ObservedScaling;
  /** Secrets of the namespace that the spec may name: names of their non-empty keys. */
  readonly secretKeys: (secretName: string) => readonly string[] | undefined;
}

export interface Children {
  readonly configMap: KubeObject | undefined;
  readonly gateway: KubeObject | undefined;
  readonly worker: KubeObject | undefined;
  readonly service: KubeObject | undefined;
  readonly janitor: KubeObject | undefined;
}

/** Those that have not ended come first, then the newest. */
export interface Pods {
  readonly gateways: readonly PodFacts[];
  readonly workers: readonly PodFacts[];
  readonly janitors: readonly PodFacts[];
}
