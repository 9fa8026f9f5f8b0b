/** What conditions and waits both ask of the pods: which coordinator there is, and what ails it. */
import type { Facts } from './facts.ts';
import { replicasOf } from '../../machinery/workload/deployment.ts';
import { roleName } from '../../machinery/workload/names.ts';
import type { CoordinatorPod, Observed } from './observed.ts';

/** The coordinator that has not ended, of whichever Job. */
export function coordinatorOf({ coordinators }: Observed): CoordinatorPod | undefined {
  return coordinators.find(({ exitCode }) => exitCode === undefined);
}

/** The Deployment of the gateways as Kind/name while not all that were asked for are ready. */
export function unreadyGateways({ spec, observed }: Facts): string | undefined {
  if (spec?.serve?.enabled !== true) return undefined;
  if (replicasOf(observed.children.gateway).ready >= (spec.serve.replicas ?? 1)) return undefined;
  return `Deployment/${roleName(observed.owner.name, 'gateway')}`;
}
