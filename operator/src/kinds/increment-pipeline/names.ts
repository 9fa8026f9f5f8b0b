/** The names that are an IncrementPipeline’s own; all others follow from them in the machinery. */
import { namesOf } from '../../machinery/workload/names.ts';

export type Role = 'gateway' | 'worker' | 'janitor';
export const roles = ['gateway', 'worker', 'janitor'] as const satisfies readonly Role[];

export const names = namesOf<Role>({
  kind: 'IncrementPipeline',
  slug: 'increment-pipeline',
  isHeldByChildren: false,
});

/** On the resource while it may have increments in flight; taken away once none is left. */
export const drainFinalizer = 'millrace.dev/drain';
