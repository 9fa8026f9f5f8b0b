/** Workers: any number of them, alike, each taking one chunk at a time. */
import type { CsvImportSpec } from '@millrace/crds/csv-import';
import type { KubeObject } from '../../../machinery/kube-api.ts';
import type { Owner } from '../names.ts';
import { deployment, type DeploymentOptions } from './deployment.ts';

export function workerDeployment(
  owner: Owner,
  spec: CsvImportSpec,
  options: DeploymentOptions,
): KubeObject {
  return deployment(owner, spec, { ...options, role: 'worker' });
}
