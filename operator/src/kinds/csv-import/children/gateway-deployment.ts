/** Gateways: they serve the table over HTTP, during the import and after it. */
import type { KubeObject } from '../../../machinery/kube-api.ts';
import { deployment, type DeploymentOptions } from '../../../machinery/workload/deployment.ts';
import type { Owner } from '../../../machinery/workload/names.ts';
import { names } from '../names.ts';

export function gatewayDeployment(owner: Owner, options: DeploymentOptions): KubeObject {
  return deployment(names, owner, { ...options, role: 'gateway' });
}
