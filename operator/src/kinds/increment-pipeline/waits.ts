/**
 * What a pipeline waits for, most pressing first, each with the object it hangs on: what `millrace
 * why` and `status.waiting` show. Pure; from the same facts as the conditions.
 */
import type { Waited } from '../../machinery/waiting.ts';
import { backendsAwaited } from '../../machinery/workload/backends.ts';
import { blockedWaits } from '../../machinery/workload/obstacle.ts';
import { roleName, secretName } from '../../machinery/workload/names.ts';
import { podTrouble } from '../../machinery/workload/pods.ts';
import type { Crew, Facts } from './facts.ts';

export function waits(facts: Facts): readonly Waited[] {
  const { observed, isPaused } = facts;
  const self = `IncrementPipeline/${observed.owner.name}`;
  if (observed.isDeleting && !observed.isHeld) return [];
  if (isPaused) return [{ what: 'spec.paused to be removed', object: self }];
  return [
    ...blockedWaits(facts, self),
    ...(facts.stopping === 'No' ? running(facts) : stopping(facts, self)),
  ];
}

function running(facts: Facts): readonly Waited[] {
  const { gateways, workers } = facts;
  return [...away(facts), ...crew(facts, 'gateway', gateways), ...crew(facts, 'worker', workers)];
}

function away({ spec, observed: { progress } }: Facts): readonly Waited[] {
  if (spec === undefined || progress === undefined) return [];
  const object = `Secret/${secretName(spec)}`;
  const { durability } = progress;
  return [
    ...backendsAwaited(progress.backends, object),
    ...(durability.ok ? [] : [{ what: 'Redis to be as durable as spec.durability asks', object }]),
  ];
}

/** While there are fewer pods than wanted: the one that ails, or the Deployment that has to make them. */
function crew(
  { observed }: Facts,
  role: 'gateway' | 'worker',
  { ready, wanted, ailing }: Crew,
): readonly Waited[] {
  if (ready >= wanted || observed.children[role] === undefined) return [];
  if (ailing === undefined) {
    const object = `Deployment/${roleName(observed.owner.name, role)}`;
    return [{ what: `every ${role} to be ready`, object }];
  }
  const why = podTrouble(ailing) === undefined ? '' : `: ${ailing.pendingReason}`;
  return [{ what: `a ${role}’s pod to be ready${why}`, object: `Pod/${ailing.name}` }];
}

function stopping(facts: Facts, self: string): readonly Waited[] {
  const { observed, stopping: at } = facts;
  const resume = observed.isDeleting ? [] : [{ what: 'spec.suspend to be removed', object: self }];
  const deployment = (role: 'gateway' | 'worker') =>
    `Deployment/${roleName(observed.owner.name, role)}`;
  switch (at) {
    case 'GatewaysStopping':
      return [{ what: 'the gateways to stop', object: deployment('gateway') }, ...resume];
    case 'Emptying':
      return [
        ...away(facts),
        ...crew(facts, 'worker', facts.workers),
        { what: 'workers to commit what is in flight', object: deployment('worker') },
        ...resume,
      ];
    case 'WorkersStopping':
      return [{ what: 'the workers to stop', object: deployment('worker') }, ...resume];
    case 'Purging':
      return [{ what: 'gateways and workers to stop', object: deployment('worker') }];
    default:
      return resume;
  }
}
