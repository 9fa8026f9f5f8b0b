/**
 * The janitor: it runs once, after everything else has stopped, and clears up behind the pipeline. The
 * deletion policy is that of the end, whatever the pods before it were made from.
 */
import type { IncrementPipelineSpec } from '@millrace/crds/increment-pipeline';
import type { KubeObject } from '../../../machinery/kube-api.ts';
import { job } from '../../../machinery/workload/job.ts';
import type { Owner } from '../../../machinery/workload/names.ts';
import { names } from '../names.ts';
import type { Rendering } from '../rendering.ts';
import { deletionPolicyOf } from '../stopping.ts';

export interface JanitorOptions {
  readonly spec: IncrementPipelineSpec;
  readonly rendering: Pick<Rendering, 'templates' | 'digest'>;
}

export function janitorJob(owner: Owner, { spec, rendering }: JanitorOptions): KubeObject {
  const template = rendering.templates.janitor;
  const { containers, ...rest } = template['spec'] as PodSpec;
  const told = { name: 'MILLRACE_DELETION_POLICY', value: deletionPolicyOf(spec) };
  return job(names, owner, {
    role: 'janitor',
    template: {
      ...template,
      spec: {
        ...rest,
        containers: containers.map((container) => ({
          ...container,
          env: [...container.env, told],
        })),
      },
    },
    rendering: rendering.digest,
    suspend: false,
  });
}

interface PodSpec {
  readonly containers: readonly { readonly env: readonly object[] }[];
}
