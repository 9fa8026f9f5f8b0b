/**
 * Whether a service is carried by pods of this run; pure. Its status alone does not tell: until the
 * operator has looked, it is what an earlier run left on disk.
 */
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import { isOwnedBy, isReady, matches, uidOf, type Pod } from './controllers/workload.ts';
import { mapOf } from './kinds/play-kind.ts';

/** That each of its Deployments has a pod that is ready. */
export function isCarried(
  object: KubeObject,
  found: { readonly deployments: readonly KubeObject[]; readonly pods: readonly Pod[] },
): boolean {
  const owned = found.deployments.filter((one) => isOwnedBy(one, uidOf(object)));
  const ready = found.pods.filter(isReady);
  return owned.length > 0 && owned.every((one) => ready.some((pod) => isOf(one, pod)));
}

function isOf(deployment: KubeObject, { metadata }: Pod): boolean {
  const { matchLabels } = mapOf(mapOf(deployment['spec'])['selector']);
  return matches(metadata.labels, mapOf(matchLabels) as Readonly<Record<string, string>>);
}
