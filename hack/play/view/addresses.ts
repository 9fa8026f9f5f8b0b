/** Where to look once something is served. */
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import type { ServedPort } from '../controllers/service-proxy.ts';
import { uidOf } from '../controllers/workload.ts';

/** The local URL of a resource's Service; undefined while nobody answers for it. */
export function servedUrl(
  resource: KubeObject,
  services: readonly KubeObject[],
  served: readonly ServedPort[],
): string | undefined {
  const owned = services.filter((service) =>
    service.metadata.ownerReferences?.some((owner) => owner.uid === uidOf(resource)),
  );
  return served.find(
    (candidate) =>
      candidate.endpointCount > 0 &&
      owned.some(
        ({ metadata }) =>
          metadata.name === candidate.service && metadata.namespace === candidate.namespace,
      ),
  )?.url;
}
