/**
 * Decides what to do next. Pure: the same observations give the same steps.
 *
 * The order is that of need: the finalizer before anything that could have increments in flight, the
 * configuration before whoever reads it, workers before the gateways whose increments they commit.
 * Every step is safe to repeat, and a pass that was cut off is completed by the next. A resource that
 * is being deleted is cared for until it may go: drained, cleared up behind, then released.
 */
import type { KubeObject } from '../../machinery/kube-api.ts';
import { controllerOf } from '../../machinery/object-key.ts';
import { emptyPlan, type Plan } from '../../machinery/step.ts';
import { autoscaled } from '../../machinery/workload/scaling/autoscaled.ts';
import { configMap } from '../../machinery/workload/config-map.ts';
import { deployment } from '../../machinery/workload/deployment.ts';
import { finalizerStep, janitorPlan, type Held } from '../../machinery/workload/janitor.ts';
import { roleName } from '../../machinery/workload/names.ts';
import {
  configMaps,
  deployments,
  jobs,
  services,
} from '../../machinery/workload/resource-types.ts';
import { joined, scaled, targetOf } from '../../machinery/workload/scaled.ts';
import { service } from '../../machinery/workload/service.ts';
import type { SecretMissing } from '../../machinery/workload/secrets.ts';
import type { Care } from './care.ts';
import { gatewaysOf } from './children/config-map.ts';
import { janitorJob } from './children/janitor-job.ts';
import { drainFinalizer, names } from './names.ts';
import type { Observed } from './observed.ts';
import { missingBackends } from './prerequisites.ts';
import { incrementPipelines } from './resource-types.ts';

export interface PlanInput {
  /** What to care for; undefined when no spec was ever valid. */
  readonly care: Care | undefined;
  readonly observed: Observed;
}

export function plan({ care, observed }: PlanInput): Plan {
  if (care === undefined) return emptyPlan;
  const part: Part = { ...care, observed, missing: missingBackends(care.spec, observed) };
  if (!observed.isDeleting) return joined([...living(part), recording(part)]);
  return observed.isHeld ? joined([...ending(part), recording(part)]) : emptyPlan;
}

interface Part extends Care {
  readonly observed: Observed;
  readonly missing: SecretMissing | undefined;
}

function living(part: Part): readonly Plan[] {
  const isToRun = part.stopping === 'No';
  return [
    hold(part),
    configuration(part),
    workers(part),
    gateways(part, {
      replicas: isToRun ? gatewaysOf(part.spec) : 0,
      reason: isToRun ? 'as spec.gateway.replicas asks' : 'the pipeline is suspended',
    }),
    address(part),
  ];
}

/** From the deletion of the resource to the moment when it may go. */
function ending(part: Part): readonly Plan[] {
  const { owner, children } = part.observed;
  const kept = [
    targetOf(deployments, owner, roleName(owner.name, 'worker')),
    targetOf(deployments, owner, roleName(owner.name, 'gateway')),
    targetOf(services, owner, roleName(owner.name, 'gateway')),
    targetOf(jobs, owner, roleName(owner.name, 'janitor')),
  ];
  const isThere = (held: KubeObject | undefined) =>
    held !== undefined && controllerOf(held)?.uid === owner.uid;
  const needsWorkers = part.workers.replicas > 0;
  const isStopped = part.stopping === 'Drained' || part.stopping === 'Purged';
  return [
    { steps: [], keep: kept },
    configuration(part),
    ...(needsWorkers || isThere(children.worker) ? [workers(part)] : []),
    ...(isThere(children.gateway)
      ? [gateways(part, { replicas: 0, reason: 'the pipeline is deleted' })]
      : []),
    ...(isStopped || part.stopping === 'NeverStarted' ? [janitor(part)] : []),
  ];
}

/** Before anything is started, and then as long as the resource lives. */
function hold({ observed, stopping, missing }: Part): Plan {
  const { children, isHeld } = observed;
  const isStarted = children.worker !== undefined || children.gateway !== undefined;
  const isStarting = stopping !== 'NeverStarted' && (missing === undefined || isStarted);
  if (isHeld || !isStarting) return emptyPlan;
  const reason = 'increments in flight are to be committed before it goes';
  return { steps: [finalizerStep(heldBy(observed), { isHeld: true, reason })], keep: [] };
}

function configuration({ spec, rendering, observed }: Part): Plan {
  const reason = observed.children.configMap === undefined ? 'it is new' : 'as the spec asks';
  const object = configMap(names, observed.owner, { spec, rendering });
  return { steps: [{ op: 'apply', type: configMaps, object, reason }], keep: [] };
}

function workers({ observed, rendering, missing, scaling, workers: wanted }: Part): Plan {
  const { owner, children } = observed;
  const { digest, templates } = rendering;
  return autoscaled({
    ...scaling,
    owner,
    held: children.worker,
    name: roleName(owner.name, 'worker'),
    object: (isScaled) =>
      deployment(names, owner, {
        role: 'worker',
        template: templates.worker,
        rendering: digest,
        isScaled,
      }),
    ...wanted,
    isToRest: wanted.replicas === 0,
    missing,
  });
}

function gateways(
  { observed, rendering, missing }: Part,
  wanted: { readonly replicas: number; readonly reason: string },
): Plan {
  const { owner, children } = observed;
  const { digest, templates } = rendering;
  return scaled({
    owner,
    held: children.gateway,
    name: roleName(owner.name, 'gateway'),
    object: (isScaled) =>
      deployment(names, owner, {
        role: 'gateway',
        template: templates.gateway,
        rendering: digest,
        isScaled,
      }),
    ...wanted,
    isGuess: false,
    missing,
  });
}

function address({ observed }: Part): Plan {
  const object = service(names, observed.owner, 'gateway');
  return {
    steps: [{ op: 'apply', type: services, object, reason: 'increments are to be taken' }],
    keep: [],
  };
}

/** The proof is on record before the first worker stops: nobody who comes after a crash can ask again. */
function recording({ observed, stopping }: Part): Plan {
  if (stopping !== 'Proven') return emptyPlan;
  const what = 'the proof that nothing is in flight to be on record';
  const object = `IncrementPipeline/${observed.owner.name}`;
  return { steps: [{ op: 'wait', for: what, object, requeueAfterMs: 1 }], keep: [] };
}

function janitor(part: Part): Plan {
  const { observed, missing } = part;
  return janitorPlan({
    ...heldBy(observed),
    janitor: observed.children.janitor,
    missing,
    object: () => janitorJob(observed.owner, part),
    reason: 'nothing runs any more, and the pipeline is deleted',
    releaseReason: 'nothing is in flight and the janitor has ended',
  });
}

function heldBy({ owner, resource }: Observed): Held {
  return { type: incrementPipelines, owner, resource, finalizer: drainFinalizer };
}
