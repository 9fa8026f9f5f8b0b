/**
 * What all Deployments share, above all the rule of replicas: an apply says 0 when it creates the
 * Deployment and leaves them out ever after, when the scaler has taken that field under a manager of
 * its own. Leaving them out earlier would make one pod, or reset to one.
 */
import type { KubeObject } from '../kube-api.ts';
import {
  renderingAnnotation,
  replicasAnnotation,
  roleName,
  type KindNames,
  type Owner,
} from './names.ts';
import type { PodTemplate } from './pod-template.ts';

export interface DeploymentOptions {
  readonly template: PodTemplate;
  /** Digest of the rendering that the template is part of. */
  readonly rendering: string;
  /** Whether the Deployment exists and its replicas have been scaled at least once. */
  readonly isScaled: boolean;
}

export function deployment<Role extends string>(
  names: Pick<KindNames<Role>, 'metadata' | 'selectorLabels'>,
  owner: Owner,
  options: DeploymentOptions & { readonly role: Role },
): KubeObject {
  const { role, template, rendering, isScaled } = options;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: names.metadata(owner, {
      name: roleName(owner.name, role),
      component: role,
      annotations: {
        [renderingAnnotation]: rendering,
        ...(isScaled ? { [replicasAnnotation]: 'true' } : {}),
      },
    }),
    spec: {
      ...(isScaled ? {} : { replicas: 0 }),
      selector: { matchLabels: names.selectorLabels(owner, role) },
      template,
    },
  };
}

interface DeploymentFields {
  readonly spec?: { readonly replicas?: number };
  readonly status?: { readonly readyReplicas?: number };
}

export function replicasOf(deployment: KubeObject | undefined): {
  readonly wanted: number | undefined;
  readonly ready: number;
} {
  const fields = deployment as DeploymentFields | undefined;
  return { wanted: fields?.spec?.replicas, ready: fields?.status?.readyReplicas ?? 0 };
}
