/** Workers: any number of them, alike, each taking one chunk at a time. */
import type { KubeObject } from '../../../machinery/kube-api.ts';
import { deployment, type DeploymentOptions } from '../../../machinery/workload/deployment.ts';
import type { Owner } from '../../../machinery/workload/names.ts';
import { names } from '../names.ts';

export function workerDeployment(owner: Owner, options: DeploymentOptions): KubeObject {
  return deployment(names, owner, { ...options, role: 'worker' });
}
