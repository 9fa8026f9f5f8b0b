/**
 * Decides what to do next. Pure: the same observations give the same steps.
 *
 * The order is that of need: the configuration before whoever reads it, the coordinator before the
 * workers that wait for its queue, replicas right after the Deployment they belong to. Every step is
 * safe to repeat, and a pass that was cut off is completed by the next.
 */
import type { KubeObject } from '../../machinery/kube-api.ts';
import { controllerOf } from '../../machinery/object-key.ts';
import { emptyPlan, type Plan, type Step, type Target } from '../../machinery/step.ts';
import { autoscaled } from '../../machinery/workload/scaling/autoscaled.ts';
import { configMap } from '../../machinery/workload/config-map.ts';
import { jobFacts } from '../../machinery/workload/job.ts';
import { roleName } from '../../machinery/workload/names.ts';
import { configMaps, jobs, services } from '../../machinery/workload/resource-types.ts';
import type { PodTemplate } from '../../machinery/workload/pod-template.ts';
import { joined, scaled, targetOf, waitFor, type Scaled } from '../../machinery/workload/scaled.ts';
import type { Missing } from '../../machinery/workload/secrets.ts';
import type { Care } from './care.ts';
import { coordinatorJob } from './children/coordinator-job.ts';
import { gatewayDeployment } from './children/gateway-deployment.ts';
import { gatewayService } from './children/gateway-service.ts';
import { workerDeployment } from './children/worker-deployment.ts';
import { coordinatorOf } from './coordinator-state.ts';
import { expiry, holding, letGo, ownedTargets, purge, standstill } from './last-steps.ts';
import { lastNames, names } from './names.ts';
import type { Observed } from './observed.ts';
import { outcomeOf, type Outcome } from './outcome.ts';
import { missingBackends, missingClaim } from './prerequisites.ts';
import { isToPurge } from './purging.ts';
import { workersWanted } from './scaling.ts';

export interface PlanInput {
  /** What to care for; undefined when no spec was ever valid. */
  readonly care: Care | undefined;
  readonly observed: Observed;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** The Job’s end and its pods come by two watches: a pod may be known a little later than the end. */
const unreadPatienceMs = 10_000;

export function plan({ care, observed, now }: PlanInput): Plan {
  if (care === undefined) return emptyPlan;
  const { spec } = care;
  const outcome = outcomeOf(observed);
  const missing = missingBackends(spec, observed);
  const input = { ...care, observed, now, outcome };
  if (observed.isDeleting) return observed.isHeld ? ending({ ...input, missing }) : emptyPlan;
  const isBlocked = (missing ?? missingClaim(spec, observed)) !== undefined;
  return joined([
    holding(input, isBlocked),
    { steps: [configStep(input)], keep: [] },
    coordinator({ ...input, missing: missing ?? missingClaim(spec, observed) }),
    workers({ ...input, missing: missing ?? missingClaim(spec, observed) }),
    ...(spec.serve?.enabled === true ? gateway({ ...input, missing }) : []),
    expiry(input),
  ]);
}

/** From the deletion of an import whose data goes with it to the moment when it may go. */
function ending(part: PodPart): Plan {
  const { observed, purging, rendering } = part;
  const { owner, children } = observed;
  const keep = ownedTargets(observed);
  if (purging === 'No') return { steps: [letGo(observed)], keep };
  const isOurs = (held: KubeObject | undefined): held is KubeObject =>
    held !== undefined && controllerOf(held)?.uid === owner.uid;
  const { gateway: template } = rendering.templates;
  return joined([
    { steps: [configStep(part)], keep },
    ...(isOurs(children.job) ? [standstill(observed, children.job)] : []),
    ...(isOurs(children.worker) ? [workers(part)] : []),
    ...(isOurs(children.gateway)
      ? [gateways(part, { template, replicas: 0, reason: 'the import is deleted' })]
      : []),
    ...(purging === 'Stopped' ? [purge(part)] : []),
  ]);
}

interface Part extends Care {
  readonly observed: Observed;
  readonly now: number;
  readonly outcome: Outcome;
}

interface PodPart extends Part {
  readonly missing: Missing | undefined;
}

function configStep({ spec, rendering, observed }: Part): Step {
  const reason = observed.children.configMap === undefined ? 'it is new' : 'as the spec asks';
  const owned = isToPurge(spec) ? lastNames : names;
  const object = configMap(owned, observed.owner, { spec, rendering });
  return { op: 'apply', type: configMaps, object, reason };
}

function coordinator(part: PodPart): Plan {
  const { spec, observed, rendering, outcome, missing } = part;
  const { owner, children } = observed;
  const target = targetOf(jobs, owner, roleName(owner.name, 'coordinator'));
  const held = children.job;
  if (held === undefined || controllerOf(held)?.uid !== owner.uid) {
    if (outcome.state === 'Complete') return emptyPlan;
    if (missing !== undefined) return waitFor(missing, target);
    const previous = coordinatorOf(observed);
    if (previous !== undefined) {
      const what = { what: 'the previous coordinator to end', object: `Pod/${previous.name}` };
      return waitFor(what, target);
    }
    const object = coordinatorJob(owner, {
      template: rendering.templates.coordinator,
      rendering: rendering.digest,
      suspend: spec.suspend ?? false,
    });
    return {
      steps: [{ op: 'apply', type: jobs, object, reason: 'the import is to run' }],
      keep: [],
    };
  }
  if (held.metadata.deletionTimestamp !== undefined) {
    const what = { what: 'the previous coordinator to be gone', object: nameOf(target) };
    return waitFor(what, target);
  }
  const again = reasonToRunAgain(part, held);
  if (again === undefined) return suspension(part, { held, target });
  if (missing !== undefined) return waitFor(missing, target);
  if (typeof again === 'number') {
    const step: Step = {
      op: 'wait',
      for: 'the pod of the ended coordinator',
      object: nameOf(target),
      requeueAfterMs: again,
    };
    return { steps: [step], keep: [target] };
  }
  return { steps: [deletion(held, { target, reason: again })], keep: [target] };
}

/** Why the Job must be made anew, in words; a number is how long to wait before deciding so. */
function reasonToRunAgain(part: PodPart, held: KubeObject): string | number | undefined {
  const { rendering, outcome, now } = part;
  const isChanged = jobFacts(held).rendering !== rendering.digest;
  switch (outcome.state) {
    case 'Complete':
      return undefined;
    case 'Failed':
      return isChanged && outcome.reason === 'TooManyRejects'
        ? 'the limits of rejects have changed'
        : undefined;
    case 'BadConfiguration':
    case 'Running':
      return isChanged ? 'its configuration has changed and a Job cannot be changed' : undefined;
    case 'Unread': {
      const waitedMs = now - (outcome.endedAtMs ?? now);
      return waitedMs >= unreadPatienceMs
        ? 'it ended and its report was lost; the ledger knows the outcome'
        : unreadPatienceMs - waitedMs;
    }
  }
}

function suspension(
  { spec, outcome }: PodPart,
  { held, target }: { readonly held: KubeObject; readonly target: Target },
): Plan {
  const job = jobFacts(held);
  const suspend = spec.suspend ?? false;
  if (job.isSuspended === suspend || outcome.state !== 'Running')
    return { steps: [], keep: [target] };
  const reason = suspend ? 'the import is suspended' : 'the import is resumed';
  const step: Step = { op: 'patch', ...target, uid: job.uid, patch: { spec: { suspend } }, reason };
  return { steps: [step], keep: [] };
}

function workers(part: PodPart): Plan {
  const { observed, rendering, scaling, missing } = part;
  const { owner, children } = observed;
  const { worker: template } = rendering.templates;
  return autoscaled({
    ...scaling,
    owner,
    missing,
    held: children.worker,
    name: roleName(owner.name, 'worker'),
    object: (isScaled) =>
      workerDeployment(owner, { template, rendering: rendering.digest, isScaled }),
    ...workersWanted(part),
  });
}

function gateway(part: PodPart): readonly Plan[] {
  const { observed, spec, rendering } = part;
  const { owner } = observed;
  const { gateway: template } = rendering.templates;
  const service: Step = {
    op: 'apply',
    type: services,
    object: gatewayService(owner),
    reason: 'the table is to be served',
  };
  const pods = gateways(part, {
    template,
    replicas: spec.serve?.replicas ?? 1,
    reason: 'as spec.serve.replicas asks',
  });
  return [pods, { steps: [service], keep: [] }];
}

function gateways(
  { observed, rendering, missing }: PodPart,
  { template, ...wanted }: Pick<Scaled, 'replicas' | 'reason'> & { readonly template: PodTemplate },
): Plan {
  const { owner, children } = observed;
  return scaled({
    owner,
    missing,
    held: children.gateway,
    isGuess: false,
    name: roleName(owner.name, 'gateway'),
    object: (isScaled) =>
      gatewayDeployment(owner, { template, rendering: rendering.digest, isScaled }),
    ...wanted,
  });
}

function nameOf({ type, ref }: Target): string {
  return `${type.kind}/${ref.name}`;
}

function deletion(
  held: KubeObject,
  { target, reason }: { readonly target: Target; readonly reason: string },
): Step {
  const { uid = '', resourceVersion } = held.metadata;
  return { op: 'delete', ...target, uid, resourceVersion, reason };
}
