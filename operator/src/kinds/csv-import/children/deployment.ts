/**
 * What the Deployments of workers and gateways share, above all the rule of replicas: an apply says
 * 0 when it creates the Deployment and leaves them out ever after, when the scaler has taken that
 * field under a manager of its own. Leaving them out earlier would make one pod, or reset to one.
 */
import type { KubeObject } from '../../../machinery/kube-api.ts';
import {
  renderingAnnotation,
  replicasAnnotation,
  roleName,
  selectorLabels,
  type Owner,
} from '../names.ts';
import { metadata } from './metadata.ts';
import type { PodTemplate } from './pod.ts';

export interface DeploymentOptions {
  readonly template: PodTemplate;
  /** Digest of the rendering that the template is part of. */
  readonly rendering: string;
  /** Whether the Deployment exists and its replicas have been scaled at least once. */
  readonly isScaled: boolean;
}

export function deployment(
  owner: Owner,
  options: DeploymentOptions & { readonly role: 'worker' | 'gateway' },
): KubeObject {
  const { role, template, rendering, isScaled } = options;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadata(owner, {
      name: roleName(owner.name, role),
      component: role,
      annotations: {
        [renderingAnnotation]: rendering,
        ...(isScaled ? { [replicasAnnotation]: 'true' } : {}),
      },
    }),
    spec: {
      ...(isScaled ? {} : { replicas: 0 }),
      selector: { matchLabels: selectorLabels(owner, role) },
      template,
    },
  };
}
