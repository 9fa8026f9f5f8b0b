/**
 * What an import waits for, most pressing first, each with the object it hangs on: what `millrace
 * why` and `status.waiting` show. Pure; from the same facts as the conditions. An import that needs a
 * person and not the world (it has failed) waits for nothing.
 */
import type { Waited } from '../../machinery/waiting.ts';
import { backendsAwaited } from '../../machinery/workload/backends.ts';
import { blockedWaits } from '../../machinery/workload/obstacle.ts';
import { roleName, secretName } from '../../machinery/workload/names.ts';
import { podTrouble } from '../../machinery/workload/pods.ts';
import { coordinatorOf, unreadyGateways } from './coordinator-state.ts';
import type { Facts } from './facts.ts';
import { crashesShown } from './outcome.ts';

export function waits(facts: Facts): readonly Waited[] {
  const { observed, isPaused, outcome } = facts;
  const self = `CsvImport/${observed.owner.name}`;
  if (observed.isDeleting && !observed.isHeld) return [];
  if (isPaused) return [{ what: 'spec.paused to be removed', object: self }];
  return [
    ...blockedWaits(facts, self),
    ...(observed.isDeleting
      ? deletion(facts)
      : outcome.state === 'Running'
        ? running(facts, self)
        : end(facts)),
  ];
}

/** Until what is to go with the import has stopped; the plan waits for the janitor itself. */
function deletion({ purging, observed: { owner, coordinators } }: Facts): readonly Waited[] {
  if (purging !== 'Stopping') return [];
  const isCoordinating = coordinators.some(({ exitCode }) => exitCode === undefined);
  const object = isCoordinating
    ? `Job/${roleName(owner.name, 'coordinator')}`
    : `Deployment/${roleName(owner.name, 'worker')}`;
  return [{ what: 'coordinator, workers and gateways to stop', object }];
}

/** After the end: only what serves the table can still be on its way. */
function end(facts: Facts): readonly Waited[] {
  const gateways = unreadyGateways(facts);
  const wait = { what: 'every gateway to be ready', object: gateways };
  return facts.outcome.state === 'Complete' && gateways !== undefined ? [wait] : [];
}

function running(facts: Facts, self: string): readonly Waited[] {
  const { spec, observed, outcome } = facts;
  if (spec?.suspend === true) return suspended(facts, self);
  if (observed.children.job === undefined) return [];
  if (outcome.state === 'Running' && outcome.crashes >= crashesShown) {
    return [{ what: 'a coordinator that does not crash', object: jobOf(facts) }];
  }
  const coordinator = coordinatorOf(observed);
  if (coordinator === undefined) return [{ what: 'the coordinator’s pod', object: jobOf(facts) }];
  if (coordinator.pendingReason === undefined) return reported(facts, `Pod/${coordinator.name}`);
  const why = podTrouble(coordinator) === undefined ? '' : `: ${coordinator.pendingReason}`;
  return [{ what: `the coordinator’s pod to run${why}`, object: `Pod/${coordinator.name}` }];
}

/** What the coordinator says that it waits for. */
function reported({ spec, observed }: Facts, pod: string): readonly Waited[] {
  const { progress } = observed;
  if (progress === undefined || progress.state === 'Complete' || progress.state === 'Failed') {
    return [{ what: 'the first report of the coordinator', object: pod }];
  }
  const object = spec === undefined ? pod : `Secret/${secretName(spec)}`;
  const away = backendsAwaited(progress.backends, object);
  if (away.length > 0 || progress.state !== 'Waiting') return away;
  const what = progress.message ?? progress.reason ?? 'what the coordinator has not said';
  return [{ what, object: pod }];
}

function suspended({ observed }: Facts, self: string): readonly Waited[] {
  const coordinator = coordinatorOf(observed);
  const drain =
    coordinator === undefined
      ? []
      : [{ what: 'the coordinator to drain', object: `Pod/${coordinator.name}` }];
  return [...drain, { what: 'spec.suspend to be removed', object: self }];
}

function jobOf({ observed }: Facts): string {
  return `Job/${roleName(observed.owner.name, 'coordinator')}`;
}
