/** What is known of one IncrementPipeline at one moment: the only input of validate, plan and status. */
import type { IncrementPipelineStatus } from '@millrace/crds/increment-pipeline';
import type { Child } from '../../machinery/act.ts';
import type { KubeObject } from '../../machinery/kube-api.ts';
import type { Owner } from './names.ts';

export interface Observed {
  readonly owner: Owner;
  /** The resource itself, as its cache holds it. */
  readonly resource: KubeObject;
  readonly generation: number;
  readonly isDeleting: boolean;
  /** As written by the user; nothing but `validate` may trust it. */
  readonly spec: unknown;
  readonly status: IncrementPipelineStatus | undefined;
  /** Everything of the owned types that carries our uid, planned or not. */
  readonly children: readonly Child[];
}
