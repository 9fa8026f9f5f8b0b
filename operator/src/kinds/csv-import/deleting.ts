/** What conditions say of an import that is held back from its deletion until its data is gone. Pure. */
import { jobFacts } from '../../machinery/workload/job.ts';
import { roleName } from '../../machinery/workload/names.ts';
import type { Cause } from '../../machinery/workload/settling.ts';
import type { Facts } from './facts.ts';
import { purgeFinalizer } from './names.ts';

const wayOut = 'Set spec.deletionPolicy to Retain to leave the data and let the resource go.';

/** Why it is still there. */
export function deleting(facts: Facts): string {
  const { observed, purging, backends, spec, janitor } = facts;
  const job = jobName(facts);
  if (spec === undefined) {
    return `Whether the data is to go is not known, because the spec is not valid. Correct it, or take the finalizer ${purgeFinalizer} away by hand to leave the data.`;
  }
  if (purging === 'No') return 'The data stays, and the resource is about to go.';
  if (purging === 'Stopping') {
    return `Coordinator, workers and gateways stop; then ${job} takes the data away.`;
  }
  if (janitor === undefined && backends !== undefined) {
    return `${job} cannot start. ${backends.message} ${wayOut}`;
  }
  const hasFailed = observed.pods.janitors.some(({ exitCode = 0 }) => exitCode !== 0);
  return hasFailed
    ? `${job} takes the data away; a pod of it has failed, and another tries again. Its log says why. ${wayOut}`
    : `${job} takes the data away.`;
}

/** It tries as long as a backend is away, and gives up where no waiting helps. */
export function janitorFailed(facts: Facts): Cause | undefined {
  const { children } = facts.observed;
  if (facts.purging !== 'Stopped' || children.janitor === undefined) return undefined;
  if (jobFacts(children.janitor).end !== 'Failed') return undefined;
  return {
    reason: 'JanitorFailed',
    message: `${jobName(facts)} has given up taking the data away: its pod’s log says why. Delete the Job to have it tried again. ${wayOut}`,
  };
}

function jobName({ observed }: Facts): string {
  return `Job/${roleName(observed.owner.name, 'janitor')}`;
}
