/** Where to look once something is served: commands a person can paste. */
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import type { ServedPort } from '../controllers/service-proxy.ts';
import { uidOf } from '../controllers/workload.ts';
import { tableOf } from './summary.ts';

interface ServeSpec {
  readonly serve?: { readonly filters?: readonly string[] };
  readonly target?: { readonly key?: readonly string[] };
}

/** The commands for one resource; empty while nobody answers for it. */
export function addressLines(
  resource: KubeObject,
  services: readonly KubeObject[],
  served: readonly ServedPort[],
): readonly string[] {
  const owned = services.filter((service) =>
    service.metadata.ownerReferences?.some((owner) => owner.uid === uidOf(resource)),
  );
  const port = served.find(
    (candidate) =>
      candidate.endpointCount > 0 &&
      owned.some(
        ({ metadata }) =>
          metadata.name === candidate.service && metadata.namespace === candidate.namespace,
      ),
  );
  if (port === undefined) return [];
  const spec = (resource['spec'] ?? {}) as ServeSpec;
  const [filter] = spec.serve?.filters ?? [];
  const base = `${port.url}/${tableOf(resource)}`;
  return [
    `${resource.metadata.name} is served at ${base}; try`,
    `  curl '${base}?limit=5'`,
    ...(filter === undefined ? [] : [`  curl '${base}?${filter}=a&limit=5'`]),
    ...(spec.target?.key === undefined ? [] : [`  curl '${base}/1'`]),
  ];
}
