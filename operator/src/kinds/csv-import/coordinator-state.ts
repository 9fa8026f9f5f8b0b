/** What conditions and waits both ask of the pods: which coordinator there is, and what ails it. */
import type { Facts } from './facts.ts';
import { replicasOf } from './job.ts';
import { roleName } from './names.ts';
import type { CoordinatorPod, Observed } from './observed.ts';

/** The coordinator that has not ended, of whichever Job. */
export function coordinatorOf({ coordinators }: Observed): CoordinatorPod | undefined {
  return coordinators.find(({ exitCode }) => exitCode === undefined);
}

/** What to do about a pod that does not start; a reason that is not here passes by itself. */
const remedies: Readonly<Record<string, string>> = {
  Unschedulable: 'No node has room for it, or may take it.',
  ImagePullBackOff: 'Its image cannot be pulled: check the image, and the pull secrets.',
  InvalidImageName: 'The name of its image is not one: correct the operator’s runtime image.',
  CreateContainerConfigError: 'Its container cannot be configured.',
  CreateContainerError: 'Its container cannot be created.',
  RunContainerError: 'Its container cannot be started.',
};

/** Why the pod does not run, when that is more than being on its way. */
export function podTrouble({ pendingReason }: CoordinatorPod): string | undefined {
  return pendingReason === undefined ? undefined : remedies[pendingReason];
}

/** The Deployment of the gateways as Kind/name while not all that were asked for are ready. */
export function unreadyGateways({ spec, observed }: Facts): string | undefined {
  if (spec?.serve?.enabled !== true) return undefined;
  if (replicasOf(observed.children.gateway).ready >= (spec.serve.replicas ?? 1)) return undefined;
  return `Deployment/${roleName(observed.owner.name, 'gateway')}`;
}
