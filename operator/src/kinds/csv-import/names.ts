/** The names that are a CsvImport’s own; all others follow from them in the machinery. */
import { namesOf } from '../../machinery/workload/names.ts';

export type Role = 'coordinator' | 'worker' | 'gateway';
export const roles = ['coordinator', 'worker', 'gateway'] as const satisfies readonly Role[];

export const names = namesOf<Role>({ kind: 'CsvImport', slug: 'csv-import' });
