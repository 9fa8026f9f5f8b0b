/** What marks objects that we made: nothing without it is ever changed or taken over. */
import type { KubeObject } from '../machinery/kube-api.ts';

const partOf = 'app.kubernetes.io/part-of';

export const ourLabels = {
  [partOf]: 'millrace',
  'app.kubernetes.io/name': 'millrace-metrics-api',
} as const;

export function isOurs(object: KubeObject): boolean {
  return object.metadata.labels?.[partOf] === ourLabels[partOf];
}
