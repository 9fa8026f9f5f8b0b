/** What is known of one CsvImport at one moment: the only input of validate, plan and status. */
import type { CsvImportProgress, CsvImportStatus } from '@millrace/crds/csv-import';
import type { KubeObject } from '../../machinery/kube-api.ts';
import type { Owner } from '../../machinery/workload/names.ts';
import type { PodFacts } from '../../machinery/workload/pods.ts';
import type { ObservedScaling } from '../../machinery/workload/scaling/resource-scaling.ts';
import type { ClaimFacts } from './claim.ts';

export interface Observed {
  readonly owner: Owner;
  /** The resource itself, as its cache holds it. */
  readonly resource: KubeObject;
  readonly generation: number;
  readonly isDeleting: boolean;
  /** Whether the finalizer is on it that holds it until its data is gone. */
  readonly isHeld: boolean;
  /** As written by the user; nothing but `validate` may trust it. */
  readonly spec: unknown;
  /** The spec that the ConfigMap was made from, if there is one. */
  readonly lastSpec: unknown;
  readonly status: CsvImportStatus | undefined;
  readonly children: Children;
  readonly coordinators: readonly CoordinatorPod[];
  readonly pods: Pods;
  /** The newest report: of the coordinator's end, else of a poll, else what status still holds. */
  readonly progress: CsvImportProgress | undefined;
  /** What a gateway says of the import since it is complete, if one was heard. */
  readonly served: CsvImportProgress | undefined;
  /** Nothing was heard since this process began: `progress` is what an earlier one had heard, if any. */
  readonly isRemembered: boolean;
  readonly scaling: ObservedScaling;
  /** Secrets of the namespace that the spec may name: names of their non-empty keys. */
  readonly secretKeys: (secretName: string) => readonly string[] | undefined;
  readonly claim: (claimName: string) => ClaimFacts | undefined;
}

export interface Children {
  readonly configMap: KubeObject | undefined;
  readonly job: KubeObject | undefined;
  readonly worker: KubeObject | undefined;
  readonly gateway: KubeObject | undefined;
  readonly service: KubeObject | undefined;
  readonly janitor: KubeObject | undefined;
}

/** All but the coordinators. Those that have not ended come first, then the newest. */
export interface Pods {
  readonly workers: readonly PodFacts[];
  readonly gateways: readonly PodFacts[];
  readonly janitors: readonly PodFacts[];
}

/** One pod of the coordinator; in `Observed` those that run come first, then the newest. */
export interface CoordinatorPod {
  readonly uid: string;
  readonly name: string;
  readonly jobUid: string | undefined;
  readonly isReady: boolean;
  readonly isTerminating: boolean;
  /** Taken away by the cluster, which is nobody's failure. */
  readonly isDisrupted: boolean;
  /** Why its container does not run yet, as Kubernetes says it; undefined once it has run. */
  readonly pendingReason: string | undefined;
  /** Undefined while it runs or waits to. */
  readonly exitCode: number | undefined;
  /** Its last words, if it left any that can be read. */
  readonly report: CsvImportProgress | undefined;
}
