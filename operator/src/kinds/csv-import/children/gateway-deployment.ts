/** Gateways: they serve the table over HTTP, during the import and after it. */
import type { KubeObject } from '../../../machinery/kube-api.ts';
import type { Owner } from '../names.ts';
import { deployment, type DeploymentOptions } from './deployment.ts';

export function gatewayDeployment(owner: Owner, options: DeploymentOptions): KubeObject {
  return deployment(owner, { ...options, role: 'gateway' });
}
