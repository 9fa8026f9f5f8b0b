/**
 * What a kind gives the operator: the controller that reconciles it, and what the command line shows
 * of it. A kind's folder exports one value of this shape, and the registry lists those values.
 */
import type { KedaEndpoint } from './workload/scaling/autoscalers.ts';
import type { ControllerSpec } from './controller.ts';
import type { EventRecorder } from './events.ts';
import type { KubeObject } from './kube-api.ts';
import type { Manager } from './manager.ts';
import type { KindPreview } from './preview.ts';
import type { PollLimits } from './progress-poller.ts';

/** What every controller gets of the operator's configuration and connections. */
export interface ControllerContext {
  /** Image of pods that are rendered anew. */
  readonly image: string;
  /** Least time between two status writes that only move figures. */
  readonly statusIntervalMs: number;
  readonly pollLimits: PollLimits;
  readonly fetch: typeof fetch;
  readonly events: EventRecorder;
  /** Where KEDA finds how many workers are needed; without it KEDA cannot be used. */
  readonly keda?: KedaEndpoint | undefined;
  /** Where the admin port of a pod is reached; undefined while it is not. */
  readonly podAddress?: (
    pod: KubeObject,
  ) => { readonly host: string; readonly port: number } | undefined;
}

export interface OperatorKind {
  /** As in the contract: the folder of the kind everywhere. */
  readonly slug: string;
  readonly controller: (manager: Manager, context: ControllerContext) => ControllerSpec;
  readonly preview: KindPreview;
}
