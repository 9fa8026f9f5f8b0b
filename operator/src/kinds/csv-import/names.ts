/** The names that are a CsvImport’s own; all others follow from them in the machinery. */
import { namesOf } from '../../machinery/workload/names.ts';

/** Roles whose pods are rendered once and kept. */
export type Role = 'coordinator' | 'worker' | 'gateway';
export const roles = ['coordinator', 'worker', 'gateway'] as const satisfies readonly Role[];

const identity = { kind: 'CsvImport', slug: 'csv-import' } as const;

export const names = namesOf<Role>(identity);

/**
 * For what the janitor needs: with a deletion in the foreground, children that hold the resource back
 * are deleted first, and it would never run.
 */
export const lastNames = namesOf<Role | 'janitor'>({ ...identity, isHeldByChildren: false });

/** On an import whose data goes with it; taken away once that is done. */
export const purgeFinalizer = 'millrace.dev/purge';
