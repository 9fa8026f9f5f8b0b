/** The pods of a workload, by its own selector: whatever the kind, and without asking for ReplicaSets. */
import type { KubeApi, KubeObject, ResourceType } from '../machinery/kube-api.ts';

const podType: ResourceType = { apiVersion: 'v1', kind: 'Pod', plural: 'pods' };

/** None for an object that selects none. */
export async function selectedPods(
  workload: KubeObject,
  api: Pick<KubeApi, 'list'>,
): Promise<readonly KubeObject[]> {
  const { template, selector } = (workload['spec'] ?? {}) as {
    readonly template?: object;
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
  };
  const labels = selector?.matchLabels ?? {};
  // A Service has a selector too, of another shape, and owns no pod; an empty one would select all.
  if (template === undefined || Object.keys(labels).length === 0) return [];
  const { namespace } = workload.metadata;
  return (await api.list(podType, { namespace, labels })).items;
}
