/**
 * The steps of a plan that end an import: being held back while its data is to go with it, standing
 * still, the janitor, and the deletion of one that has been kept for long enough. Pure.
 */
import type { KubeObject } from '../../machinery/kube-api.ts';
import { emptyPlan, type Plan, type Step, type Target } from '../../machinery/step.ts';
import { finalizerStep, janitorPlan, type Held } from '../../machinery/workload/janitor.ts';
import { jobFacts } from '../../machinery/workload/job.ts';
import { roleName } from '../../machinery/workload/names.ts';
import { deployments, jobs, services } from '../../machinery/workload/resource-types.ts';
import { targetOf } from '../../machinery/workload/scaled.ts';
import type { Missing } from '../../machinery/workload/secrets.ts';
import type { Care } from './care.ts';
import { janitorJob } from './children/janitor-job.ts';
import { timeLeft } from './lifetime.ts';
import { purgeFinalizer } from './names.ts';
import type { Observed } from './observed.ts';
import { isOvercome, type Outcome } from './outcome.ts';
import { isToPurge } from './purging.ts';
import { csvImports } from './resource-types.ts';

interface Part extends Care {
  readonly observed: Observed;
}

/** Held before anything is made that would be left behind; let go when the data is to stay after all. */
export function holding({ spec, observed }: Part, isBlocked: boolean): Plan {
  const { isHeld, children } = observed;
  const isStarted = children.job !== undefined || children.worker !== undefined;
  if (isToPurge(spec) === isHeld || (!isHeld && isBlocked && !isStarted)) return emptyPlan;
  if (isHeld) return { steps: [letGo(observed)], keep: [] };
  const reason = 'its data is to go before it goes';
  return { steps: [finalizerStep(heldBy(observed), { isHeld: true, reason })], keep: [] };
}

export function letGo(observed: Observed): Step {
  const reason = 'its data is to stay';
  return finalizerStep(heldBy(observed), { isHeld: false, reason });
}

/** The coordinator may not make again what the janitor takes away. */
export function standstill({ owner }: Observed, job: KubeObject): Plan {
  const target = targetOf(jobs, owner, roleName(owner.name, 'coordinator'));
  const { uid, end, isSuspended } = jobFacts(job);
  if (end !== undefined || isSuspended) return { steps: [], keep: [target] };
  const patch = { spec: { suspend: true } };
  return {
    steps: [{ op: 'patch', ...target, uid, patch, reason: 'the import is deleted' }],
    keep: [],
  };
}

export function purge(part: Part & { readonly missing: Missing | undefined }): Plan {
  const { observed, missing } = part;
  return janitorPlan({
    ...heldBy(observed),
    janitor: observed.children.janitor,
    missing,
    object: () => janitorJob(observed.owner, part),
    reason: 'nothing runs any more, and the import is deleted with its data',
    releaseReason: 'its data is gone',
  });
}

/** Children that only go with the resource. */
export function ownedTargets({ owner }: Observed): readonly Target[] {
  const { name } = owner;
  return [
    targetOf(jobs, owner, roleName(name, 'coordinator')),
    targetOf(deployments, owner, roleName(name, 'worker')),
    targetOf(deployments, owner, roleName(name, 'gateway')),
    targetOf(services, owner, roleName(name, 'gateway')),
    targetOf(jobs, owner, roleName(name, 'janitor')),
  ];
}

/** By uid alone: the intent to delete makes a new version of the resource, unless it has changed. */
export function expiry(part: Part & { readonly outcome: Outcome; readonly now: number }): Plan {
  const { observed, outcome } = part;
  if (isOvercome(outcome, part) || timeLeft(part) !== 0) return emptyPlan;
  const { owner } = observed;
  const reason = 'it was kept for spec.ttlAfterFinished';
  const target = targetOf(csvImports, owner, owner.name);
  return {
    steps: [{ op: 'delete', ...target, uid: owner.uid, resourceVersion: undefined, reason }],
    keep: [],
  };
}

function heldBy({ owner, resource }: Observed): Held {
  return { type: csvImports, owner, resource, finalizer: purgeFinalizer };
}
