/** Workers: any number of them, alike, each taking one chunk at a time. */
import type { KubeObject } from '../../../machinery/kube-api.ts';
import type { Owner } from '../names.ts';
import { deployment, type DeploymentOptions } from './deployment.ts';

export function workerDeployment(owner: Owner, options: DeploymentOptions): KubeObject {
  return deployment(owner, { ...options, role: 'worker' });
}
