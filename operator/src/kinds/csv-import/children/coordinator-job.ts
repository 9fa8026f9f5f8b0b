/** The coordinator: a Job, since it runs to an end; its exit code says how it ended. */
import type { KubeObject } from '../../../machinery/kube-api.ts';
import { job, type JobOptions } from '../../../machinery/workload/job.ts';
import type { Owner } from '../../../machinery/workload/names.ts';
import { names, type Role } from '../names.ts';

export function coordinatorJob(owner: Owner, options: Omit<JobOptions<Role>, 'role'>): KubeObject {
  return job(names, owner, { ...options, role: 'coordinator' });
}
