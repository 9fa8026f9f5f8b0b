/**
 * The end of a resource that is held back from its deletion: a janitor, a Job that clears up behind it
 * once nothing else runs, and then the finalizer goes. Its pods are told the deletion policy by a
 * variable, as it is at the end, whatever the pods before were made from.
 */
import type { KubeObject, ResourceType } from '../kube-api.ts';
import { controllerOf } from '../object-key.ts';
import type { Plan, Step } from '../step.ts';
import { job, jobFacts } from './job.ts';
import { roleName, type KindNames, type Owner } from './names.ts';
import type { PodTemplate } from './pod-template.ts';
import { jobs } from './resource-types.ts';
import { targetOf, waitFor } from './scaled.ts';
import type { Missing } from './secrets.ts';

export interface JanitorJob {
  readonly template: PodTemplate;
  /** Digest of the rendering that its configuration is part of. */
  readonly rendering: string;
  readonly policy: 'Retain' | 'Purge';
}

export function janitorJob(
  names: Pick<KindNames<'janitor'>, 'metadata'>,
  owner: Owner,
  { template, rendering, policy }: JanitorJob,
): KubeObject {
  const { containers, ...rest } = template['spec'] as PodSpec;
  const told = { name: 'MILLRACE_DELETION_POLICY', value: policy };
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
    rendering,
    suspend: false,
  });
}

interface PodSpec {
  readonly containers: readonly { readonly env: readonly object[] }[];
}

/** The resource itself, and what holds it. */
export interface Held {
  readonly type: ResourceType;
  readonly owner: Owner;
  readonly resource: KubeObject;
  readonly finalizer: string;
}

export function finalizerStep(
  { type, owner, resource, finalizer }: Held,
  change: { readonly isHeld: boolean; readonly reason: string },
): Step {
  const { resourceVersion, finalizers = [] } = resource.metadata;
  return {
    op: 'finalizer',
    ...targetOf(type, owner, owner.name),
    uid: owner.uid,
    resourceVersion,
    present: finalizers,
    finalizer,
    ...change,
  };
}

export interface JanitorInput extends Held {
  /** The Job, as cached. */
  readonly janitor: KubeObject | undefined;
  /** What its pod cannot start without. */
  readonly missing: Pick<Missing, 'what' | 'object'> | undefined;
  readonly object: () => KubeObject;
  /** Why it runs now. */
  readonly reason: string;
  /** Why the resource may go once it has ended. */
  readonly releaseReason: string;
}

export function janitorPlan(input: JanitorInput): Plan {
  const { owner, janitor, missing, object, reason, releaseReason } = input;
  const target = targetOf(jobs, owner, roleName(owner.name, 'janitor'));
  if (janitor === undefined || controllerOf(janitor)?.uid !== owner.uid) {
    if (missing !== undefined) return waitFor(missing, target);
    return { steps: [{ op: 'apply', type: jobs, object: object(), reason }], keep: [] };
  }
  if (jobFacts(janitor).end === 'Complete') {
    const step = finalizerStep(input, { isHeld: false, reason: releaseReason });
    return { steps: [step], keep: [] };
  }
  const what = { what: 'the janitor to end', object: `${jobs.kind}/${target.ref.name}` };
  return waitFor(what, target);
}
