/** The pod that a controller makes of its template, as the real controllers make it. */
import { randomInt } from 'node:crypto';
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import { controllerReference, type Pod, type PodTemplate } from './workload.ts';

/** Holds a deleted pod's object until the supervisor has ended its processes. */
export const podFinalizer = 'play.millrace.dev/supervisor';

/** No vowels and no look-alikes, as in a cluster: no words, no misreadings. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

export function podFromTemplate(
  owner: KubeObject,
  template: PodTemplate,
  options: { readonly stem: string; readonly labels: Readonly<Record<string, string>> },
): Pod {
  const suffix = Array.from({ length: 5 }, () => alphabet[randomInt(alphabet.length)]).join('');
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      // The stem is cut as the real name generator cuts it; the suffix is what makes it unique.
      name: `${options.stem.slice(0, 57)}-${suffix}`,
      namespace: owner.metadata.namespace,
      labels: { ...template.metadata?.labels, ...options.labels },
      annotations: { ...template.metadata?.annotations },
      finalizers: [podFinalizer],
      ownerReferences: [controllerReference(owner)],
    },
    spec: template.spec,
  };
}
