/**
 * The janitor: it runs once, after everything else has stopped, and clears up behind the pipeline. The
 * deletion policy is that of the end, whatever the pods before it were made from.
 */
import type { IncrementPipelineSpec } from '@millrace/crds/increment-pipeline';
import type { KubeObject } from '../../../machinery/kube-api.ts';
import { janitorJob as janitorJobOf } from '../../../machinery/workload/janitor.ts';
import type { Owner } from '../../../machinery/workload/names.ts';
import { names } from '../names.ts';
import type { Rendering } from '../rendering.ts';
import { deletionPolicyOf } from '../stopping.ts';

export interface JanitorOptions {
  readonly spec: IncrementPipelineSpec;
  readonly rendering: Pick<Rendering, 'templates' | 'digest'>;
}

export function janitorJob(owner: Owner, { spec, rendering }: JanitorOptions): KubeObject {
  return janitorJobOf(names, owner, {
    template: rendering.templates.janitor,
    rendering: rendering.digest,
    policy: deletionPolicyOf(spec),
  });
}
