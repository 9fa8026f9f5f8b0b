/**
 * What a kind tells those who only look at its resources: the command line, and nobody else.
 *
 * A preview reads what a pass would read, decides as a pass would decide, with the same pure
 * functions, and writes nothing. The resource it is asked about may never have been stored. A kind
 * registers one beside its controller, so that whoever shows resources knows no kind by name.
 */
import type { Child } from './act.ts';
import type { KubeApi, KubeObject, ResourceType } from './kube-api.ts';
import type { Plan } from './step.ts';
import type { DriverChoice } from './workload/scaling/driver.ts';

export interface PreviewInput {
  /** The resource as it would be, with a uid. */
  readonly object: KubeObject;
  readonly api: Pick<KubeApi, 'get' | 'list'>;
  /** Image of new pods, where the resource has none of its own yet. */
  readonly image: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface Preview {
  /** The uid that controls the children. */
  readonly owner: string;
  readonly plan: Plan;
  /** What is there now, as in a pass. */
  readonly children: readonly Child[];
  /** Why the plan is not that of the spec it was asked about. */
  readonly obstacle: { readonly reason: string; readonly message: string } | undefined;
  readonly isPaused: boolean;
  /** What would scale the workers, of a kind that has them. */
  readonly scaling?: Pick<DriverChoice, 'driver' | 'message' | 'isReady'> | undefined;
  /** What was taken for granted, for lack of permission to look. */
  readonly assumed: readonly string[];
}

/** Counts in `status.totals` that must add up: whole = the sum of the parts. */
export interface Ledger {
  readonly whole: string;
  readonly parts: readonly string[];
  /** One more part, where it is no total: it comes and goes. */
  readonly pending?: { readonly part: string; readonly of: (status: object) => number };
  /** The part that people look out for; shown in tables where it is not zero. */
  readonly watched: string;
}

export interface KindPreview {
  readonly type: ResourceType;
  readonly childTypes: readonly ResourceType[];
  readonly fieldManager: string;
  readonly scaleManager: string;
  readonly ledger?: Ledger;
  /** What all children and pods of the resource carry, and nothing else does. */
  childLabels(resource: KubeObject): Readonly<Record<string, string>>;
  preview(input: PreviewInput): Promise<Preview>;
}
